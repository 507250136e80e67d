"""A drain: many short executions that workers are busy with while something breaks, and how it is counted."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from tests.processes import Project
from tests.waiting import wait_until

ENOUGH_SECONDS = 90.0

_labels = itertools.count()

_CODE = """
from tests.shop.defer.parcel import parcel
from tests.shop.defer.parcel_async import parcel_async
for function, numbers in ((parcel, range(0, {total}, 2)), (parcel_async, range(1, {total}, 2))):
    function.starmap(({label!r}, number) for number in numbers)
"""


class Drain:
    """`total` executions, half of them of a sync function and half of an async one."""

    def __init__(self, project: Project, total: int = 200) -> None:
        self._project = project
        self._total = total
        self._prefix = f"drain{next(_labels)} "
        self._workers = _workers(project)
        self._lost_attempts = _lost_attempts(project)

    def begin(self, seen: int) -> None:
        """Enqueue them, and return when so many have begun."""
        self._project.python(_CODE.format(total=self._total, label=self._prefix.strip()))
        self.wait_for(seen)

    def wait_for(self, seen: int, timeout: float = ENOUGH_SECONDS) -> None:
        wait_until(lambda: self.seen >= seen, timeout, lambda: f"{seen} have begun, and not {self.seen}")

    @property
    def seen(self) -> int:
        return len(self._project.witness.lines(self._prefix))

    def wait_for_end(self, timeout: float = ENOUGH_SECONDS) -> None:
        wait_until(lambda: not self._open(), timeout, lambda: f"all have ended, and not {self._open()} left")

    def assert_exact(self) -> str:
        """Nothing lost, nothing twice, nobody who lives declared dead. Returns that as text."""
        counts = self._project.witness.counts(self._prefix)
        lost = [number for number in range(self._total) if not counts[f"{self._prefix}{number}"]]
        twice = {line: count for line, count in counts.items() if count > 1}
        assert (lost, twice) == ([], {})
        assert self._attempts() == {("succeeded", 1, "succeeded"): self._total}
        assert _lost_attempts(self._project) == self._lost_attempts
        missing = self._workers - _workers(self._project)
        assert not missing, f"living workers were declared dead: {missing}"
        return f"{len(lost)} lost, {len(twice)} twice"

    def assert_once_an_attempt(self) -> str:
        """Nothing lost, and a body again only where the ledger says that its attempt was lost. Returns that as text."""
        rows = self._project.query(
            "SELECT arguments_json::json->'args'->>1, state, attempt FROM deferapp_execution"
            " WHERE arguments_json LIKE %s",
            self._pattern,
        )
        counts = self._project.witness.counts(self._prefix)
        seen = [(*row, counts[f"{self._prefix}{row[0]}"]) for row in rows]
        assert len(seen) == self._total
        wrong = [row for row in seen if row[1] != "succeeded" or not 1 <= row[3] <= row[2]]
        assert not wrong, f"number, state, attempts, times seen: {wrong}"
        again = sum(times > 1 for *_, times in seen)
        return f"0 lost, {again} again whose attempt was lost"

    def _open(self) -> int:
        rows = "SELECT count(*) FROM deferapp_execution WHERE state IN ('created', 'started', 'aborting')"
        return int(self._project.query(f"{rows} AND arguments_json LIKE %s", self._pattern)[0][0])

    def _attempts(self) -> Counter[tuple[Any, ...]]:
        return Counter(
            self._project.query(
                "SELECT execution.state, execution.attempt, attempt.outcome FROM deferapp_execution execution"
                " LEFT JOIN deferapp_attempt attempt ON attempt.execution_id = execution.id"
                " WHERE arguments_json LIKE %s",
                self._pattern,
            )
        )

    @property
    def _pattern(self) -> str:
        return f'%"{self._prefix.strip()}"%'


def _workers(project: Project) -> set[tuple[Any, ...]]:
    return set(project.query("SELECT id, process FROM deferapp_worker"))


def _lost_attempts(project: Project) -> int:
    return int(project.query("SELECT count(*) FROM deferapp_attempt WHERE error_code = 'ER0004'")[0][0])
