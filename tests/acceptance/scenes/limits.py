"""Work under limits. The functions count themselves: see `tests.shop.occupied`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from deferapp.executions.states import State
from tests.acceptance.scenes.common import label, states, wait_for_end, wait_for_lines, wait_for_states
from tests.shop import gates
from tests.shop.defer.note import note
from tests.shop.defer.one_a_key import one_a_key
from tests.shop.defer.one_at_a_time import one_at_a_time
from tests.shop.defer.one_or_cancelled import one_or_cancelled
from tests.shop.defer.three_at_once import three_at_once
from tests.shop.defer.three_at_once_async import three_at_once_async

KEYS = "abc"


def three() -> str:
    return _sixty(three_at_once)


def three_async() -> str:
    return _sixty(three_at_once_async)


def _sixty(function: Any) -> str:
    """Half of them in one message, half in a message each."""
    name = label()
    ids = [*function.map([name] * 30), *(function.enqueue(name).id for _ in range(30))]
    wait_for_end(ids)
    return name


def keys() -> str:
    name = label()
    wait_for_end(one_a_key.starmap((name, key) for _ in range(10) for key in KEYS))
    return name


def order() -> dict[str, Any]:
    """While the first waits at the gate the others are enqueued; some in one message, some in one each."""
    name = label()
    first = one_at_a_time.enqueue(name, 0).id
    wait_for_lines(name, 1)
    ids: list[UUID] = [first, *one_at_a_time.starmap((name, number) for number in range(1, 11))]
    ids += [one_at_a_time.enqueue(name, number).id for number in range(11, 21)]
    unlimited = wait_for_end(note.map([f"{name} note"] * 10))
    meanwhile = states(ids)
    gates.open_gate(name)
    wait_for_end(ids)
    return {"label": name, "unlimited": [row.state for row in unlimited], "meanwhile": meanwhile}


def cancel() -> dict[str, Any]:
    name = label()
    first = one_or_cancelled.enqueue(name).id
    wait_for_lines(name, 1)
    others = one_or_cancelled.map([name] * 5)
    refused = wait_for_end(others)
    while_running = states([first])
    gates.open_gate(name)
    wait_for_states([first], State.SUCCEEDED, 1)
    last = wait_for_end([one_or_cancelled.enqueue(name).id])
    return {
        "label": name,
        "refused": [[row.state, row.reason, row.attempt] for row in refused],
        "first": while_running,
        "last": last[0].state,
    }
