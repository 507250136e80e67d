"""The Celery app of projects that have none: `celery -A deferapp worker`, with the project's `CELERY_…` settings."""

from celery import Celery

app = Celery("deferapp")
app.config_from_object("django.conf:settings", namespace="CELERY")
