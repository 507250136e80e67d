"""Whether the worker of this host beats: what a container's health check asks.

A worker is told by its host: the machine, or the container, in which the question is asked. Honest limit: when the
database cannot be asked, nothing is known, and the worker counts as well: it waits for the database as it should, and
starting it again would not help.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F

from deferapp import conf
from deferapp.fields import DatabaseNow
from deferapp.health import database
from deferapp.health.bounded import TooSlow, within
from deferapp.health.words import span
from deferapp.models import Worker, ledger
from deferapp.workers import process


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is known of the worker here."""

    beats: bool
    why: str


def verdict(node: str = "") -> Verdict:
    """Of the worker that was heard last, or of the one with this node name."""
    try:
        worker = within(database.SECONDS, lambda: _latest(node))
    except TooSlow as problem:
        return Verdict(beats=True, why=f"The database does not answer, so the worker is let be: {problem}")
    except Exception as problem:
        return Verdict(beats=True, why=f"The database cannot be asked, so the worker is let be: {problem!r:.200}")
    if worker is None:
        return Verdict(beats=False, why=f"No worker {node or 'of this host'} is in the ledger: {process.host()}")
    silence = worker.now - worker.heartbeat_at  # type: ignore[attr-defined]
    name = f"{worker.node} (process {worker.process.partition(':')[0]})"
    if not process.is_alive(worker.process):
        return Verdict(beats=False, why=f"The process of {name} has ended.")
    if silence > timedelta(seconds=conf.current().HEARTBEAT_LIMIT):
        return Verdict(beats=False, why=f"{name} was heard {span(silence)} ago, and not since.")
    return Verdict(beats=True, why=f"{name} was heard {span(silence)} ago.")


def _latest(node: str) -> Worker | None:
    rows = Worker.objects.using(ledger()).filter(host=process.host(), process=F("supervisor"))
    rows = rows.filter(node=node) if node else rows
    return rows.annotate(now=DatabaseNow()).order_by("-heartbeat_at").first()
