"""The Celery application: it wakes workers; what is to be done stands in the database."""

from celery import Celery

from indexing.work import broker  # noqa: F401  (registers the embedded transport)

app = Celery("reprise")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["indexing"])
app.conf.beat_schedule = {
    "sweep": {"task": "indexing.tasks.sweep", "schedule": 5.0, "options": {"expires": 5.0}},
}
app.conf.beat_scheduler = "celery.beat:Scheduler"  # no schedule file: one sweep more does no harm
