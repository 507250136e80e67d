"""The tests, and around them the small Django project that they run: its settings, Celery app, and apps."""

from tests.celery import app as celery_app

__all__ = ["celery_app"]
