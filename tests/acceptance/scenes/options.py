"""Options of calls."""

from __future__ import annotations

from statistics import median
from typing import Any

from deferapp import assign_options
from deferapp.models import Execution
from tests.acceptance.scenes.common import label, lines, wait_for_end, wait_for_lines
from tests.shop import gates, witness
from tests.shop.defer.note import note
from tests.shop.defer.one_at_a_time import one_at_a_time

DELAY_SECONDS = 1.5


def delay() -> dict[str, Any]:
    name = label()
    later = note.options(delay=DELAY_SECONDS)
    ended = wait_for_end([later(name).id for _ in range(9)])
    return {
        "delayed": [(row.due_at - row.created_at).total_seconds() for row in ended],
        "late": [(row.started_at - row.due_at).total_seconds() for row in ended],
        "median": median((row.started_at - row.due_at).total_seconds() for row in ended),
    }


def discard() -> dict[str, Any]:
    """Behind one that keeps the only slot, one may wait for a second and one for an hour."""
    name = label()
    one_at_a_time.enqueue(name, 0)
    wait_for_lines(name, 1)
    short = assign_options(one_at_a_time, discard_after=1)(name, 1)
    long = assign_options(one_at_a_time, discard_after="1h")(name, 2)
    (discarded,) = wait_for_end([short.id])
    gates.open_gate(name)
    (succeeded,) = wait_for_end([long.id])
    return {
        "discarded": [discarded.state, discarded.attempt, bool(discarded.reason)],
        "waited": (discarded.ended_at - discarded.created_at).total_seconds(),
        "succeeded": succeeded.state,
        "lines": [line.split()[1] for line in lines(name)],
    }


def metadata() -> dict[str, Any]:
    name = label()
    spring = note.options(metadata={"campaign": name, "season": "spring"})
    wait_for_end([spring(name).id, spring.options(metadata={"campaign": name})(name).id])
    both = Execution.objects.metadata(campaign=name)
    return {"all": both.count(), "spring": both.metadata(season="spring").count()}


def keyed() -> list[str]:
    """Played by two processes at once, which wait for each other before each call."""
    ids = []
    for number in range(20):
        witness.tell(f"keyed {number:02}")
        wait_for_lines(f"keyed {number:02}", 2)
        ids.append(str(note.options(key=f"order-{number}")(f"order {number}").id))
    return ids
