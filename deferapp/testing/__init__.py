"""For the tests of projects: what was enqueued, running it to its end in this process, Mondays at 08:00, failures.

The functions run through the code that workers run, by the ledger in the test's database; only what a worker process
has besides is left out: the broker, the thread that watches, heartbeats. So claims, retries, children, limits, results
and errors are those of production. Honest limits: `max_duration` and `cancel(force=True)` stop no body, async functions
run one at a time, and a body that waits for another's result meets nobody who runs it.

Works in Django's `TestCase` and `TransactionTestCase` and with pytest-django; names with an `a` are for async tests.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deferapp.testing.assertions import aassert_enqueued as aassert_enqueued
    from deferapp.testing.assertions import aassert_not_enqueued as aassert_not_enqueued
    from deferapp.testing.assertions import aassert_nothing_enqueued as aassert_nothing_enqueued
    from deferapp.testing.assertions import assert_enqueued as assert_enqueued
    from deferapp.testing.assertions import assert_not_enqueued as assert_not_enqueued
    from deferapp.testing.assertions import assert_nothing_enqueued as assert_nothing_enqueued
    from deferapp.testing.broker import no_broker as no_broker
    from deferapp.testing.errors import failing as failing
    from deferapp.testing.running import arun_due as arun_due
    from deferapp.testing.running import arun_enqueued as arun_enqueued
    from deferapp.testing.running import run_due as run_due
    from deferapp.testing.running import run_enqueued as run_enqueued

_HOMES = {
    "aassert_enqueued": "assertions",
    "aassert_not_enqueued": "assertions",
    "aassert_nothing_enqueued": "assertions",
    "assert_enqueued": "assertions",
    "assert_not_enqueued": "assertions",
    "assert_nothing_enqueued": "assertions",
    "no_broker": "broker",
    "failing": "errors",
    "arun_due": "running",
    "arun_enqueued": "running",
    "run_due": "running",
    "run_enqueued": "running",
}


def __getattr__(name: str) -> Any:
    """Loaded when first asked for: the pytest plugin beside this costs those who do not use it next to nothing."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
