"""Deliveries: signed webhooks to a real server, put off and tried again, and e-mail."""

import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone
from pytest_django.fixtures import Settings

from indexing.casework import deliveries, saved, webhooks
from indexing.casework.webhooks import WebhookFailed, WebhookRefused
from indexing.models import Delivery, Notification, Work
from indexing.search.query import SearchQuery
from indexing.work import jobs
from tests.footage import add_footage

pytestmark = pytest.mark.django_db


class Receiver(HTTPServer):
    """A server that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.url = f"http://127.0.0.1:{self.server_port}/hook?a=1"


class Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.received.append((dict(self.headers), body))
        self.send_response(server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def queue(channel: str, url: str = "", email: str = "") -> Delivery:
    recording = add_footage("north", 60)
    user = User.objects.create_user("operator")
    kept = saved.save(user, "Bus", SearchQuery(recording_id=recording.pk, second=3))
    kept.webhook, kept.email, kept.secret = url, email, "s3cret"
    kept.save()
    found = Notification.objects.create(
        saved=kept, recording=recording, second=50, at=recording.at(50), distance=0.5, limit=0.75
    )
    return Delivery.objects.create(notification=found, channel=channel)


def test_a_webhook_is_signed_json(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE = True
    settings.PUBLIC_URL = "https://reprise.example"
    delivery = queue("webhook", receiver.url)
    deliveries.run(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.said) == (Work.State.DONE, "Answered with status 204.")
    ((headers, body),) = receiver.received
    told = json.loads(body)
    assert told["search"] == "Bus"
    assert told["at"].endswith("+00:00")
    assert told["url"].startswith("https://reprise.example/recordings/")
    assert told["url"].endswith("?t=50")
    assert headers["X-Reprise-Delivery"] == str(delivery.pk)
    expected = webhooks.signature("s3cret", headers["X-Reprise-Timestamp"], body)
    assert headers["X-Reprise-Signature"] == f"sha256={expected}"
    deliveries.run(delivery.pk)
    assert len(receiver.received) == 1


def test_what_is_not_accepted_is_put_off_longer_and_longer(
    receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_PRIVATE = True
    receiver.status = 302
    delivery = queue("webhook", receiver.url)
    pauses = []
    for number in range(1, deliveries.TRIES):
        deliveries.run(delivery.pk)
        delivery.refresh_from_db()
        assert (delivery.state, delivery.tries) == (Work.State.WAITING, number)
        assert "answered with status 302" in delivery.said
        pauses.append(delivery.due_at - timezone.now())
        deliveries.run(delivery.pk)  # not due yet
        jobs.sweep()
        assert len(receiver.received) == number
        Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert pauses == sorted(pauses)
    assert pauses[0] <= timedelta(seconds=30) < pauses[-1]
    deliveries.run(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == Work.State.FAILED
    assert "It was tried 10 times." in delivery.error


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x",
        "http://localhost:9/x",
        "http://10.1.2.3/",
        "http://[::1]:9/",
        "http://[::ffff:192.168.1.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/",
        "http://0x7f000001/",
    ],
)
def test_private_addresses_are_refused(url: str) -> None:
    with pytest.raises(WebhookRefused, match="in a private network"):
        webhooks.post(url, {}, secret="s", timestamp="0", number=1, private=False)


def test_what_is_refused_is_not_tried_again(receiver: Receiver) -> None:
    delivery = queue("webhook", receiver.url)
    deliveries.run(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == Work.State.FAILED
    assert "in a private network" in delivery.error
    assert receiver.received == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "file:///etc/passwd",
        "https://",
        "x",
        "http://a:b@c.example/",
        "http://[",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(WebhookRefused):
        webhooks.check(url)


def test_a_server_that_is_not_there_is_tried_again(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE = True
    with pytest.raises(WebhookFailed, match="could not be reached"):
        webhooks.post("http://127.0.0.1:9/", {}, secret="s", timestamp="0", number=1, private=True)


def test_an_e_mail_says_what_was_found_and_where(settings: Settings) -> None:
    settings.EMAIL_HOST = "mail.example"
    delivery = queue("email", email="someone@home.example")
    deliveries.run(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == Work.State.DONE
    (sent,) = mail.outbox
    assert sent.to == ["someone@home.example"]
    assert sent.subject.startswith("Bus: found at north, ")
    assert "?t=50" in sent.body
    assert sent.extra_headers["Message-ID"] == f"<reprise-{delivery.pk}@mail.example>"
