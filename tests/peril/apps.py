"""The file `<witness>.peril` says where: a signal, the number of the statement, and words that are in its SQL.

So `SIGKILL 3 UPDATE` kills the child that comes to its third UPDATE since the file was written, before it is executed.
Whoever comes there removes the file, and so is the only one. The watching thread's statements are not counted.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created

_counts: Counter[int] = Counter()


class PerilConfig(AppConfig):
    name = "tests.peril"

    def ready(self) -> None:
        connection_created.connect(_on_created, dispatch_uid="tests.peril")


def _on_created(connection: Any, **_kwargs: Any) -> None:
    if _before_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_before_statement)


def _before_statement(execute: Any, sql: Any, *arguments: Any) -> Any:
    from deferapp.workers import presence  # Models cannot be imported when apps are.

    if presence.node().pid != os.getpid() and threading.current_thread().name != "deferapp-watch":
        _perish_if_chosen(str(sql))
    return execute(sql, *arguments)


def _perish_if_chosen(sql: str) -> None:
    file = Path(f"{settings.WITNESS}.peril")
    try:
        written, text = file.stat().st_mtime_ns, file.read_text()
    except FileNotFoundError:
        return
    name, number, words = text.split(" ", 2)
    if words in sql:
        _counts[written] += 1
        if _counts[written] == int(number):
            file.unlink()
            os.kill(os.getpid(), signal.Signals[name])
