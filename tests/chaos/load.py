"""The load: `python -m tests.chaos.load SEED ACKNOWLEDGED` enqueues all kinds of executions until its input ends.

It stands for a web server: what it enqueues is promised once the call has returned and its transaction has committed.
Then, and only then, a line `kept <id>` goes to the file ACKNOWLEDGED; `rolled <id>` says that there must be no such
execution, and `slow <begin> <seconds>` that an enqueue took long. One that raises, because the database is away,
promises nothing.
"""

from __future__ import annotations

import contextlib
import random
import select
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import django

PAUSE_SECONDS: Final = 0.15
SLOW_SECONDS: Final = 3.0
"""What hangs takes longer. (A quarter of a second is promised, and tested where the machine is not as busy as here.)"""
CHILDREN: Final = (5, 40)


def main(seed: int, acknowledged: Path) -> None:
    django.setup()
    from django.db import Error, close_old_connections

    load = Load(random.Random(seed), acknowledged)
    while not _has_ended(PAUSE_SECONDS):
        close_old_connections()
        began = time.time()
        with contextlib.suppress(Error):
            load.enqueue_something()
            load.say_if_slow(began)


def _has_ended(seconds: float) -> bool:
    """Whether the other end has closed the pipe, after so long at the most."""
    return bool(select.select([sys.stdin], [], [], seconds)[0])


class Load:
    """Says what it has enqueued."""

    def __init__(self, rng: random.Random, acknowledged: Path) -> None:
        self._rng = rng
        self._acknowledged = acknowledged
        self._numbers: Iterator[int] = iter(range(sys.maxsize))
        self._kinds: dict[Callable[[], list[Any]], float] = {
            self._brief: 30,
            self._flaky: 10,
            self._limited: 10,
            self._delayed: 6,
            self._committed: 4,
            self._keyed: 2,
            self._fan: 4,
            self._long: 1,
        }

    def enqueue_something(self) -> None:
        if self._rng.random() < 0.05:
            self._say(*(f"rolled {execution.id}" for execution in self._rolled_back()))
            return
        (kind,) = self._rng.choices(list(self._kinds), weights=list(self._kinds.values()))
        self._say(*(f"kept {execution.id}" for execution in kind()))

    def say_if_slow(self, began: float) -> None:
        if (seconds := time.time() - began) > SLOW_SECONDS:
            self._say(f"slow {began:.3f} {seconds:.3f}")

    def _say(self, *lines: str) -> None:
        with self._acknowledged.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def _brief(self) -> list[Any]:
        from tests.chaos.defer.brief import brief
        from tests.chaos.defer.brief_async import brief_async

        return [self._rng.choice([brief, brief_async])(next(self._numbers))]

    def _flaky(self) -> list[Any]:
        from tests.chaos.defer.flaky import flaky
        from tests.chaos.defer.flaky_async import flaky_async

        return [self._rng.choice([flaky, flaky_async])(next(self._numbers))]

    def _limited(self) -> list[Any]:
        from tests.chaos.defer.one_async import one_async
        from tests.chaos.defer.two_at_once import two_at_once

        return [self._rng.choice([one_async, two_at_once])(next(self._numbers))]

    def _delayed(self) -> list[Any]:
        from tests.chaos.defer.brief import brief

        return [brief.options(delay=self._rng.uniform(0.5, 8))(next(self._numbers))]

    def _committed(self) -> list[Any]:
        from django.db import transaction

        with transaction.atomic():
            return [execution for _ in range(3) for execution in self._brief()]

    def _rolled_back(self) -> list[Any]:
        from django.db import transaction

        with transaction.atomic():
            executions = [execution for _ in range(3) for execution in self._brief()]
            transaction.set_rollback(True)
        return executions

    def _keyed(self) -> list[Any]:
        from tests.chaos.defer.brief import brief

        keyed = brief.options(key=f"key {next(self._numbers)}")
        return [keyed(0) for _ in range(2)]

    def _fan(self) -> list[Any]:
        from tests.chaos.defer.fan import fan
        from tests.chaos.defer.fan_async import fan_async
        from tests.chaos.defer.fan_map import fan_map

        label, count = f"fan {next(self._numbers)}", self._rng.randint(*CHILDREN)
        parent = self._rng.choice([fan, fan_async, fan_map])
        stops = () if parent is fan_map else (self._rng.choice([-1, count // 2]),)
        return [parent(label, count, *stops)]

    def _long(self) -> list[Any]:
        from tests.chaos.defer.long import long
        from tests.chaos.defer.long_async import long_async

        return [self._rng.choice([long, long_async])(self._rng.uniform(5, 20))]


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
