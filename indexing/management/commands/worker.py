"""Run a worker: it does whatever is queued, and sweeps for work whose worker died."""

import os
import warnings
from functools import partial

from celery.exceptions import SecurityWarning
from django.conf import settings
from django.core.management.base import CommandParser

from indexing.celery import app
from indexing.management.base import Command as BaseCommand
from indexing.management.base import number
from indexing.work import broker


class Command(BaseCommand):
    help = "Run a worker until it is stopped."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--processes",
            type=partial(number, least=1, most=256),
            default=settings.WORKER_PROCESSES,
        )

    def handle(self, *, processes: int, **options: object) -> None:
        broker.ready()
        # The embedded shape is started by whoever sits at the machine, often root in a container.
        warnings.filterwarnings("ignore", category=SecurityWarning)
        app.worker_main(
            [
                "--quiet",
                "worker",
                "--pool=prefork",
                f"--concurrency={processes}",
                "--queues=work,sweep",
                "--beat",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
                f"--hostname=reprise-{os.getpid()}@%h",
                "--loglevel=WARNING",
            ]
        )
