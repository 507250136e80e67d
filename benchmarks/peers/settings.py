"""Settings of the project that the peers run in."""

import os
from urllib.parse import urlsplit

PEER = os.environ["BENCH_PEER"]
REDIS = os.environ["BROKER_URL"]

SECRET_KEY = "of the benchmarks, and of nothing else"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django_celery_beat",
    "django_celery_results",
    "django_tasks",
    "django_tasks_db",
    "huey.contrib.djhuey",
    "procrastinate.contrib.django",
    "benchmarks.peers",
]

_url = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _url.path[1:],
        "USER": _url.username,
        "PASSWORD": _url.password,
        "HOST": _url.hostname,
        "PORT": _url.port,
        "CONN_MAX_AGE": 600,
    }
}

CELERY_BROKER_URL = REDIS
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
if PEER == "celery-results":
    CELERY_RESULT_BACKEND = "django-db"
    CELERY_TASK_IGNORE_RESULT = False
    CELERY_TASK_TRACK_STARTED = True
    CELERY_RESULT_EXTENDED = True

HUEY = {
    "huey_class": "huey.RedisHuey",
    "name": "bench",
    "immediate": False,
    "results": False,
    "url": REDIS,
}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
LOGGING = {"version": 1, "disable_existing_loggers": False, "root": {"level": "WARNING"}}
