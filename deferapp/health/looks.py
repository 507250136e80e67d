"""All looks, in the order in which they are made; and making them, so that one that fails does not keep the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.db import Error, connections

from deferapp.health import broker, database, running, schedules, waiting, workers
from deferapp.health.finding import Finding, Severity, error
from deferapp.health.scene import Scene
from deferapp.models import ledger
from deferapp.redact import redact_text

_TABLES: Final = frozenset({"database", "tables"})
_WORKER: Final = _TABLES | {"worker"}


@dataclass(frozen=True, kw_only=True)
class Look:
    """One question about the project."""

    asks: str
    """What is so when nothing is found."""
    run: Callable[[Scene], Iterable[Finding]]
    """Only reads, and yields what it finds."""
    needs: frozenset[str] = _TABLES
    """What must be there for it to be asked at all."""
    gives: str = ""
    """What is not there if it finds an error."""


LOOKS: Final[tuple[Look, ...]] = (
    Look(asks="The database answers", run=database.answers, needs=frozenset(), gives="database"),
    Look(
        asks="The database has all migrations",
        run=database.is_migrated,
        needs=frozenset({"database"}),
        gives="tables",
    ),
    Look(
        asks="The database's settings suit several processes",
        run=database.has_fit_settings,
        needs=frozenset({"database"}),
    ),
    Look(asks="The broker answers", run=broker.answers, needs=frozenset()),
    Look(asks="A worker is running", run=workers.is_there, gives="worker"),
    Look(asks="Workers listen where this process sends", run=broker.is_shared, needs=_WORKER),
    Look(asks="The queue of each function is read", run=workers.reads_each_queue, needs=_WORKER),
    Look(asks="A worker keeps house", run=workers.keeps_house, needs=_WORKER),
    Look(asks="The machines' clocks agree", run=workers.have_one_time),
    Look(asks="Workers are given time to be heard", run=workers.are_given_time, needs=frozenset()),
    Look(asks="Beat is not silent", run=schedules.beat_rings, needs=_WORKER),
    Look(asks="Schedules fire when they are due", run=schedules.fire, needs=_WORKER),
    Look(asks="The ledger's schedules are those of the code", run=schedules.are_those_of_the_code),
    Look(asks="Executions begin when they are due", run=waiting.begins, needs=_WORKER),
    Look(asks="No work is held", run=waiting.is_held_by_nobody),
    Look(asks="What has started belongs to a living worker", run=running.has_a_living_worker),
    Look(asks="What has started ends in time", run=running.ends_in_time),
    Look(asks="What is to be aborted is aborted", run=running.is_aborted),
)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of one look."""

    asks: str
    findings: tuple[Finding, ...]
    was_made: bool = True


def examine(looks: Iterable[Look] = LOOKS) -> Iterator[Seen]:
    """Make the looks one after the other, as they are asked for."""
    scene = Scene()
    for look in looks:
        if look.needs & scene.absent:
            scene.absent |= {look.gives} - {""}
            yield Seen(asks=look.asks, findings=(), was_made=False)
            continue
        findings = _made(look, scene)
        if look.gives and any(finding.severity == Severity.ERROR for finding in findings):
            scene.absent.add(look.gives)
        yield Seen(asks=look.asks, findings=findings)


def _made(look: Look, scene: Scene) -> tuple[Finding, ...]:
    try:
        return tuple(look.run(scene))
    except Exception as problem:
        if isinstance(problem, Error):
            connections[ledger()].close_if_unusable_or_obsolete()
        return (_failed(look, problem),)


def _failed(look: Look, problem: Exception) -> Finding:
    return error(
        "D090",
        f"This could not be looked at: {look.asks.lower()}.",
        why=f"The look failed: {redact_text(repr(problem))[:500]}",
        remedy=("Settle the other findings first, then ask again.", "If it stays, please report it as a bug."),
    )
