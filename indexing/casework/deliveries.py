"""Notifications on their way out of the house, tried again later and later until they arrive.

A worker that dies between sending and recording it sends again: each message carries the number of
its delivery, by which a receiver tells the second from the first.
"""

from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone

from indexing.casework import webhooks
from indexing.casework.webhooks import WebhookFailed, WebhookRefused
from indexing.models import Delivery, Notification
from indexing.work import jobs

TRIES = 10
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=6)


def run(pk: int) -> None:
    """Send one delivery where it is due."""
    if Delivery.objects.filter(pk=pk, due_at__lte=timezone.now()).exists():
        jobs.attempt(Delivery, pk, deliver)


def deliver(delivery: Delivery) -> None:
    """Send a notification; what does not arrive is put off, twice as long each time.

    Raises:
        Hopeless: it may not be sent there, or was tried often enough.
        LeaseLost: another worker took over.
    """
    try:
        said = SENDERS[Delivery.Channel(delivery.channel)](delivery)
    except WebhookRefused as error:
        raise jobs.Hopeless(error.sentence) from error
    except WebhookFailed as error:
        put_off(delivery, error.sentence)
    except (SMTPException, OSError) as error:
        put_off(delivery, f"The mail server did not take it ({error}).")
    else:
        jobs.finish(delivery, said=said, tries=delivery.tries + 1)


def put_off(delivery: Delivery, sentence: str) -> None:
    """Give a delivery back until its pause is over, or give it up after the last try."""
    tries = delivery.tries + 1
    if tries >= TRIES:
        raise jobs.Hopeless(f"{sentence} It was tried {tries} times.")
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries - 1))
    jobs.put_off(delivery, tries=tries, said=sentence, due_at=timezone.now() + pause)


def document(notification: Notification) -> dict[str, object]:
    """Return a notification as JSON: what was found, where, and on whose clock."""
    recording = notification.recording
    where = f"{reverse('recording', args=[recording.pk])}?t={notification.second}"
    return {
        "notification": notification.pk,
        "search": notification.saved.name,
        "camera": recording.camera.name,
        "recording": recording.pk,
        "name": recording.name,
        "second": notification.second,
        "at": recording.at(notification.second).isoformat(),
        "zone": recording.camera.zone,
        "distance": notification.distance,
        "limit": notification.limit,
        "url": settings.PUBLIC_URL + where,
    }


def _webhook(delivery: Delivery) -> str:
    saved = delivery.notification.saved
    status = webhooks.post(
        saved.webhook,
        document(delivery.notification),
        secret=saved.secret,
        timestamp=str(round(timezone.now().timestamp())),
        number=delivery.pk,
        private=settings.WEBHOOK_PRIVATE,
    )
    return f"Answered with status {status}."


def _email(delivery: Delivery) -> str:
    notification = delivery.notification
    told = document(notification)
    at = notification.recording.at(notification.second)
    EmailMessage(
        subject=f"{told['search']}: found at {told['camera']}, {at:%H:%M:%S}",
        body=(
            f"Your standing search “{told['search']}” found a moment at {told['camera']}, "
            f"{at:%a %d %b %Y, %H:%M:%S} ({told['zone']}), in {told['name']}.\n\n{told['url']}\n"
        ),
        to=[notification.saved.email],
        # The same for every try, so that a mailbox can tell that it has it already.
        headers={"Message-ID": f"<reprise-{delivery.pk}@{settings.EMAIL_HOST}>"},
    ).send()
    return f"Sent to {notification.saved.email}."


SENDERS = {Delivery.Channel.WEBHOOK: _webhook, Delivery.Channel.EMAIL: _email}
