"""The tests' project with the functions of `benchmarks.work`; its database keeps connections, as in production."""

from tests.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.work"]  # noqa: F405
DATABASES["default"]["CONN_MAX_AGE"] = 600  # noqa: F405
CELERY_TASK_ROUTES = {"benchmarks.work.defer.fan_out": {"queue": "parents"}}
