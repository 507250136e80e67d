"""Whether a run kept the promises: each function looks at one of them and returns what breaks it, in words.

Two exceptions are the documented ones. A body that was cut, and so recorded as lost, is run again. And a worker that
could not speak for as long as makes it dead may, when it wakes, run for a moment beside its successor.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Final

from tests.chaos.history import Attempt, Execution, History, Run

Finding = str

LIMITS: Final = {"two_at_once": 2, "one_async": 1}
OPEN: Final = ("created", "started", "aborting")
FANS: Final = ("fan", "fan_async", "fan_map")
SILENT_SECONDS: Final = 10.0
"""How long, of the 30 s before, a worker must have been kept from speaking for us to believe it was taken for dead."""
LOOKED_BACK_SECONDS: Final = 30.0


def nothing_is_lost(history: History) -> Iterator[Finding]:
    """What was promised is in the ledger, what was rolled back is not, and all of it has succeeded."""
    for id in history.kept - history.executions.keys():
        yield f"lost: {id} was acknowledged and is not in the ledger"
    for id in history.rolled_back & history.executions.keys():
        yield f"{id} was rolled back and is in the ledger"
    for execution in history.executions.values():
        if execution.state in OPEN:
            yield f"lost: {execution} has not ended"
        elif execution.state != "succeeded":
            yield f"{execution} has not succeeded"


def attempts_are_what_was_seen(history: History) -> Iterator[Finding]:
    """Every run is a recorded attempt, and each recorded attempt one run, or one at the most if it was lost."""
    seen = Counter((run.execution, run.attempt) for run in history.runs)
    recorded = {
        (execution.id, attempt.number): attempt
        for execution in history.executions.values()
        for attempt in execution.attempts
    }
    for key in seen.keys() - recorded.keys():
        yield f"{_name(history, key[0])}: attempt {key[1]} was seen and is not recorded"
    for key, attempt in recorded.items():
        fewest = 0 if attempt.is_lost else 1
        if not fewest <= seen[key] <= 1:
            yield f"{_name(history, key[0])}: attempt {key[1]} ({_how(attempt)}) was seen {seen[key]} times"


def attempts_are_counted(history: History) -> Iterator[Finding]:
    """They are numbered from 1 without a gap; one succeeds, the last; and none fails for reasons of ours."""
    for execution in history.executions.values():
        numbers = [attempt.number for attempt in execution.attempts]
        if numbers != list(range(1, execution.attempt + 1)):
            yield f"{execution}: attempts are numbered {numbers}"
        successes = [attempt.number for attempt in execution.attempts if attempt.outcome == "succeeded"]
        if execution.state == "succeeded" and successes != [execution.attempt]:
            yield f"{execution}: attempts {successes} succeeded"
        for attempt in execution.attempts:
            if attempt.error_code not in ("", "ER0003", "ER0004"):
                yield f"{execution}: attempt {attempt.number} ended as {_how(attempt)}"


def nothing_runs_beside_itself(history: History) -> Iterator[Finding]:
    """Attempts of one execution come one after the other."""
    for id, runs in history.runs_of().items():
        for earlier, later in itertools.pairwise(runs):
            if _end(history, earlier) > later.begin and not _was_silent(history, earlier, later.begin):
                yield f"{_name(history, id)}: attempts {earlier.attempt} and {later.attempt} overlap"


def the_living_are_not_declared_dead(history: History) -> Iterator[Finding]:
    """An attempt is lost only with its process, or when its worker could not speak for long."""
    for execution in history.executions.values():
        for attempt in execution.attempts:
            if attempt.is_lost and attempt.worker and not _is_excused(history, attempt):
                yield f"{execution}: attempt {attempt.number} was lost though {attempt.worker} lived"


def limits_hold(history: History) -> Iterator[Finding]:
    """Never more bodies at once than a function's limit. One that was declared lost counts until then."""
    for function, limit in LIMITS.items():
        spans = [
            (run.begin, _end_of_slot(history, run))
            for run in history.runs
            if run.execution in history.executions and history.executions[run.execution].function == function
        ]
        if (most := _most_at_once(spans)) > limit:
            yield f"{most} of {function} ran at once; its limit is {limit}"


def enqueues_never_hang(history: History) -> Iterator[Finding]:
    """One that takes long waits for the database, and not for the broker."""
    for slow in history.slow:
        if not any(away.begin < slow.end and slow.begin < away.end for away in history.record.database_away):
            yield f"an enqueue took {slow.end - slow.begin:.1f} s while the database was there"


def schedules_fire_once(history: History) -> Iterator[Finding]:
    """A due moment for each minute, each with an execution of its own. (That these run is seen above.)"""
    moments = [moment for moment, _ in history.moments]
    for earlier, later in itertools.pairwise(moments):
        if later - earlier != timedelta(minutes=1):
            yield f"due moments {earlier:%H:%M:%S} and {later:%H:%M:%S} follow each other"
    fired = {execution for _, execution in history.moments}
    made = {execution.id for execution in history.executions.values() if execution.function == "each_minute"}
    if fired != made or len(fired) != len(moments):
        yield f"{len(moments)} due moments made {len(fired)} executions of the {len(made)} that there are"


def fans_are_exact(history: History) -> Iterator[Finding]:
    """Each parent has the children that it was to have, once, and one call afterwards."""
    children: dict[str | None, list[Execution]] = {}
    for execution in history.executions.values():
        children.setdefault(execution.parent, []).append(execution)
    for parent in history.executions.values():
        if parent.function in FANS and parent.state == "succeeded":
            yield from _fan_is_exact(parent, children.get(parent.id, []))


def _fan_is_exact(parent: Execution, children: list[Execution]) -> Iterator[Finding]:
    label, count = parent.args[:2]
    assert isinstance(count, int)
    calls = Counter((child.function, *child.args) for child in children)
    wanted = Counter(("leaf", label, number) for number in range(count))
    if parent.function == "fan_map":
        wanted["after", label] = 1
    if calls != wanted:
        yield f"{parent}: {(wanted - calls).total()} children are missing, {(calls - wanted).total()} are too many"


ALL: Final[tuple[Callable[[History], Iterable[Finding]], ...]] = (
    nothing_is_lost,
    attempts_are_what_was_seen,
    attempts_are_counted,
    nothing_runs_beside_itself,
    the_living_are_not_declared_dead,
    limits_hold,
    enqueues_never_hang,
    schedules_fire_once,
    fans_are_exact,
)


def judge(history: History) -> list[Finding]:
    """Everything that breaks a promise."""
    return [finding for promise in ALL for finding in promise(history)]


def _name(history: History, id: str) -> str:
    return str(history.executions.get(id, id))


def _how(attempt: Attempt) -> str:
    return f"{attempt.outcome} {attempt.error_code} by {attempt.worker}"


def _attempt(history: History, run: Run) -> Attempt | None:
    execution = history.executions.get(run.execution)
    attempts = execution.attempts if execution else []
    return next((attempt for attempt in attempts if attempt.number == run.attempt), None)


def _end(history: History, run: Run) -> float:
    """When a body ended: as it said, or with its process."""
    return run.end if run.end is not None else history.record.killed_at.get(run.pid, run.begin)


def _end_of_slot(history: History, run: Run) -> float:
    attempt = _attempt(history, run)
    is_lost = attempt is not None and attempt.is_lost
    return min(_end(history, run), attempt.ended_at) if attempt is not None and is_lost else _end(history, run)


def _was_silent(history: History, run: Run, moment: float) -> bool:
    """Whether the attempt was recorded as lost because its worker could not speak."""
    attempt = _attempt(history, run)
    return attempt is not None and attempt.is_lost and _silence(history, attempt.slot, moment) >= SILENT_SECONDS


def _is_excused(history: History, attempt: Attempt) -> bool:
    killed_at = history.record.killed_at.get(attempt.pid, float("inf"))
    return killed_at <= attempt.ended_at or _silence(history, attempt.slot, attempt.ended_at) >= SILENT_SECONDS


def _silence(history: History, slot: str, moment: float) -> float:
    """For how many of the seconds before a moment a worker was kept from speaking."""
    spans = history.record.impaired.get(slot, [])
    since = moment - LOOKED_BACK_SECONDS
    return sum(max(0.0, min(span.end, moment) - max(span.begin, since)) for span in spans)


def _most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """The most spans that any moment lies in; one that ends as another begins does not count with it."""
    changes = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most
