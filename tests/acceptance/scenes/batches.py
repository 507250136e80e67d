"""Fan-outs, what runs after them, and their repair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deferapp.models import Execution
from tests.acceptance.scenes.common import LIMIT_SECONDS, label, lines, wait_for_end, wait_for_lines
from tests.shop import gates
from tests.shop.defer.deliver import deliver
from tests.shop.defer.deliver_all import deliver_all
from tests.shop.defer.note import note
from tests.waiting import wait_until

COUNT = 90


def fan_out() -> dict[str, Any]:
    """A parent with children of which a third fails; then what kept them from succeeding is over."""
    name = label()
    parent = deliver_all.enqueue(name, COUNT)
    wait_for_end([parent.id])
    wait_for_lines(f"{name} delivered", 1)
    report = Execution.objects.children_of(parent).function(note).get()
    children = Execution.objects.children_of(parent).function(deliver)
    latest = max(row.ended_at for row in children)
    before = _counts(parent.progress().by_state)
    gates.open_gate(name)
    retried = parent.retry_failed_children()
    wait_until(lambda: parent.progress().is_complete, LIMIT_SECONDS, lambda: str(parent.progress()))
    return {
        "attempts": Execution.objects.get(pk=parent.pk).attempt,
        "before": before,
        "retried": retried,
        "again": parent.retry_failed_children(),
        "after": _counts(parent.progress().by_state),
        "tries": sorted(children.values_list("attempt", flat=True)),
        "reports": len(lines(f"{name} delivered")),
        "report_was_last": report.created_at >= latest,
    }


def wait() -> dict[str, Any]:
    name = label()
    batch = deliver.starmap((name, number) for number in range(COUNT))
    batch.then(note, f"{name} said at once")
    progress = batch.wait(LIMIT_SECONDS)
    batch.then(note, f"{name} said after the end")
    wait_for_lines(f"{name} said", 2)
    return {"waited": _counts(progress.by_state), "lines": sorted(line.partition(" ")[2] for line in lines(name))}


def _counts(by_state: Mapping[Any, int]) -> dict[str, int]:
    return {str(state): count for state, count in by_state.items() if count}
