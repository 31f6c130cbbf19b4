"""Train a camera's encoder on its own footage; with --wait, until it is in use or was refused."""

import time
from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from indexing.files import DISK_FULL
from indexing.learning import training as trainings
from indexing.learning.training import MOST_SEED, TrainingStatus, training_status
from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure, Misuse, camera, number
from indexing.models import Camera, Training
from indexing.work.progress import Progress, duration
from indexing.work.waiting import POLL_S, WorkerDied, attended
from ml.method import METHODS, RANGES

MOST_EPOCHS = int(RANGES["epochs"][1])
ASKED = ("pause", "resume", "cancel")


class Command(BaseCommand):
    help = "Train a camera's encoder on its own footage, in the background."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("camera")
        parser.add_argument("--method", choices=list(METHODS), help="consensus unless told")
        parser.add_argument("--epochs", type=partial(number, least=1, most=MOST_EPOCHS))
        parser.add_argument("--seed", type=partial(number, least=0, most=MOST_SEED))
        parser.add_argument("--no-activate", action="store_true", help="do not put it in use")
        parser.add_argument("--wait", action="store_true", help="until it has ended")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--pause", action="store_true", help="stop; what is done is kept")
        instead.add_argument("--resume", action="store_true", help="go on where it was stopped")
        instead.add_argument("--cancel", action="store_true", help="stop for good")

    def handle(self, *, camera: str, wait: bool, **options: Any) -> None:
        if wait and options["pause"]:
            raise Misuse("A paused training does not end by itself, so do not wait for it.")
        training = self._asked(find(camera), options)
        if wait:
            try:
                self._follow(training)
            except WorkerDied as error:
                raise Failure(str(error)) from error
        training.refresh_from_db()
        self.answer(document(training), lines(training), as_json=bool(options["json"]))
        if training.state == Training.State.FAILED:
            raise Failure(f"The training failed: {training.error}")

    def _asked(self, camera: Camera, options: dict[str, Any]) -> Training:
        """Do what was asked: begin a training, or change the one there is."""
        change = next((one for one in ASKED if options[one]), None)
        if change is None:
            return trainings.start(
                camera,
                method=options["method"] or "consensus",
                epochs=options["epochs"],
                seed=options["seed"] or 0,
                activate=not options["no_activate"],
            )
        if any(options[name] is not None for name in ("method", "epochs", "seed")):
            raise Misuse(f"--{change} takes the training as it was begun, without other options.")
        training = newest(camera)
        getattr(trainings, change)(training)
        return training

    def _follow(self, training: Training) -> None:
        """Tell every epoch, then how far the footage is embedded, until the training ends."""
        told, building = len(training.curves), None
        clips, epochs = training.data["clips"], training.epochs_planned
        self.say(f"{training.camera} is trained on {duration(clips)}, in {epochs} epochs.")
        with attended() as check:
            while training.state in (Training.State.RUNNING, Training.State.BUILDING):
                check()
                status = training_status(training)
                if training.job and training.job.error == DISK_FULL:
                    raise WorkerDied(DISK_FULL)
                for report in training.curves[told:]:
                    self.say(epoch_line(report, training, status))
                told = len(training.curves)
                stage = next((s for s in status.stages if s.name != "Training"), None)
                if stage:
                    building = building or Progress(stage.name, stage.total, stage.unit)
                    building.update(stage.done)
                time.sleep(POLL_S)
                training.refresh_from_db()
        for report in training.curves[told:]:
            self.say(epoch_line(report, training, training_status(training)))


def find(name: str) -> Camera:
    """Return a camera by its name."""
    return camera(name)


def newest(camera: Camera) -> Training:
    """Return the training that a change is meant for: the open one, else the last one."""
    training = trainings.current(camera) or camera.trainings.first()
    if training is None:
        raise Failure(f"{camera} has not been trained yet.")
    return training


def epoch_line(report: dict[str, Any], training: Training, status: TrainingStatus) -> str:
    """Say what an epoch did: `epoch 3 of 20 · contrasting · loss 2.134 · ... · 1 min 20 s left`."""
    parts = [f"epoch {report['epoch']} of {training.epochs_planned}", report["stage"]]
    for name, form in (("loss", "loss {:.4f}"), ("alignment", "alignment {:.3f}")):
        if report.get(name) is not None:
            parts.append(form.format(report[name]))
    if report.get("positive_rate") is not None:
        parts.append(f"positives {100 * report['positive_rate']:.3g} %")
    if report.get("seconds"):
        parts.append(f"{report['clips'] / report['seconds']:.0f} clips/s")
        left = training.epochs_planned - report["epoch"]
        parts.append(f"{duration(left * report['seconds'])} left")
    return " · ".join(parts)


def document(training: Training) -> dict[str, Any]:
    """Return the JSON of docs/cli.md."""
    encoder = training.encoder
    answer: dict[str, Any] = {
        "training": training.pk,
        "camera": training.camera.name,
        "state": training.state,
        "encoder": encoder.pk if encoder else None,
        "method": training.method,
        "seed": training.seed,
        "active": encoder is not None and training.camera.encoder_id == encoder.pk,
        "sentence": training.sentence or training_status(training).sentence,
        "notes": training.notes,
        "epochs": training.curves,
    }
    if training.error:
        answer["reason"] = training.error
    return answer


def lines(training: Training) -> list[str]:
    """Say how the training stands."""
    status = training_status(training)
    encoder = training.encoder
    found = [f"Training {training.pk} of {training.camera}: {training.get_state_display()}."]
    if training.state == Training.State.DONE and encoder:
        used = training.camera.encoder_id == encoder.pk
        found = [f"Encoder {encoder.pk} of {training.camera} is {'' if used else 'not '}in use."]
    if status.sentence and training.state != Training.State.FAILED:
        found.append(status.sentence)
    return [*found, *map(str, training.notes)]
