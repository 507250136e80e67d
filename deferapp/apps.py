"""Where Django lets deferapp in: functions are found, Celery learns of them, workers get their housekeeping."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class DeferConfig(AppConfig):
    name = "deferapp"
    label = "deferapp"
    verbose_name = _("Background functions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from deferapp import checks, logs  # noqa: F401
        from deferapp.dispatch import publish
        from deferapp.functions import discover, registry
        from deferapp.tasks_backend import discovery
        from deferapp.workers import hooks, tasks
        from deferapp.workers.alarms import absence

        logs.install()
        discover.import_all()
        discovery.import_tasks()
        for function in registry.functions():
            tasks.register(function)
        tasks.register_tick()
        hooks.install()
        if absence.notice not in publish.noticed:
            publish.noticed.append(absence.notice)
        post_migrate.connect(_sync_schedules, sender=self, dispatch_uid="deferapp.schedules")


def _sync_schedules(using: str, **_kwargs: Any) -> None:
    from django.db import connections
    from django_celery_beat.models import PeriodicTasks

    from deferapp.models import Schedule, ledger
    from deferapp.schedules.sync import sync

    tables = connections[using].introspection.table_names()
    if using == ledger() and {Schedule._meta.db_table, PeriodicTasks._meta.db_table} <= set(tables):
        sync()
