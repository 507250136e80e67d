"""What a worker asks of its connections to the database besides what the project's settings say.

A peer that vanishes without a word (a power cut, a failover, a firewall that forgets) answers nothing, and who waits
for its answer would do so for two hours by Linux's defaults. So the kernel is told to look sooner. It can only see
whether the other kernel is there: a server that hangs is waited for. The server's side of a connection, which keeps its
locks until it notices, is the project's to see to: `docs/operations.md` says how.
"""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

from django.db.backends.signals import connection_created

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

VANISHED_AFTER: Final = 30
"""Seconds without any answer from the other kernel after which a connection is given up."""
ASKED_EVERY: Final = 5
"""Seconds between two questions to it while nothing comes: one that has started anew says so at once."""

_LOCK_WAITS: Final = {
    "postgresql": "SET lock_timeout = '{seconds}s'",
    "mysql": "SET SESSION innodb_lock_wait_timeout = {seconds}",
}
"""How a database is told for how long to wait for a lock, by vendor."""

_thread = threading.local()


def install() -> None:
    """See to every connection that this process, or one forked from it, opens from now on."""
    connection_created.connect(_on_created, weak=False, dispatch_uid="deferapp.connections")


def wait_for_locks(seconds: int) -> None:
    """Let statements of this thread, in connections opened from now on, fail after so long behind somebody's lock."""
    install()
    _thread.lock_seconds = seconds


def _on_created(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    options = connection.settings_dict.get("OPTIONS", {})
    if not _is_seen_to(options):
        _notice_when_vanished(connection.connection)
    seconds = getattr(_thread, "lock_seconds", None)
    # What is said to a pooled connection would hold for the next thread that takes it, too.
    if seconds is not None and connection.vendor in _LOCK_WAITS and not options.get("pool"):
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_WAITS[connection.vendor].format(seconds=seconds))


def _is_seen_to(options: dict[str, Any]) -> bool:
    """Whether the project has decided itself, in libpq's words."""
    return any(name.startswith(("keepalives", "tcp_user_timeout")) for name in options)


def _notice_when_vanished(raw: Any) -> None:
    if not hasattr(raw, "fileno") or not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    with socket.socket(fileno=os.dup(raw.fileno())) as twin:
        if twin.family not in (socket.AF_INET, socket.AF_INET6):
            return
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, ASKED_EVERY)
        twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, ASKED_EVERY)
        twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, VANISHED_AFTER // ASKED_EVERY)
        twin.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED_AFTER * 1000)
