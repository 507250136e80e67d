"""What most scenes need."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from django.conf import settings

from deferapp.executions.states import ENDED, State
from deferapp.models import Execution
from tests.waiting import wait_until

LIMIT_SECONDS = 60.0


def label() -> str:
    """A name of this scene's own for its lines and gates: others are played with the same witness."""
    return uuid.uuid4().hex[:8]


def lines(prefix: str) -> list[str]:
    return [line for line in Path(settings.WITNESS).read_text().splitlines() if line.startswith(prefix)]


def wait_for_lines(prefix: str, count: int) -> None:
    wait_until(lambda: len(lines(prefix)) >= count, LIMIT_SECONDS, lambda: f"{count} of {prefix!r}: {lines(prefix)}")


def rows(ids: Iterable[UUID]) -> list[Execution]:
    return list(Execution.objects.filter(id__in=list(ids)).order_by("created_at", "id"))


def states(ids: Iterable[UUID]) -> list[str]:
    return [row.state for row in rows(ids)]


def wait_for_end(ids: Iterable[UUID]) -> list[Execution]:
    """Return the executions when all of them have ended."""
    ids = list(ids)
    wait_until(lambda: set(states(ids)) <= set(ENDED), LIMIT_SECONDS, lambda: f"all have ended: {states(ids)}")
    return rows(ids)


def wait_for_states(ids: Iterable[UUID], state: State, count: int) -> None:
    ids = list(ids)
    reached = lambda: states(ids).count(state) == count  # noqa: E731
    wait_until(reached, LIMIT_SECONDS, lambda: f"{count} are {state}: {states(ids)}")
