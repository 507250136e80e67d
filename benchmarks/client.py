"""`python -m benchmarks.client MODULE ACTION BODY COUNT`: enqueue jobs in one system, and print as JSON what it took.

Runs in the Python of that system. MODULE has the functions `one(body, number)` and `many(body, count)`, and `loop`
if a loop there is more than calls of `one`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from benchmarks import bodies

PAUSE: Final = 0.01
"""Seconds between two jobs whose latency is measured."""
PATIENCE: Final = 30
"""Seconds that one job may take."""


def loop(system: ModuleType, body: str, count: int) -> dict[str, Any]:
    if hasattr(system, "loop"):
        return {"seconds": system.loop(body, count)}
    return singles(system, body, count)


def singles(system: ModuleType, body: str, count: int) -> dict[str, Any]:
    """One by one, outside of any other work: as many requests do."""
    system.one(body, 0)  # connects
    return _timed(lambda: [system.one(body, number) for number in range(count)])


def many(system: ModuleType, body: str, count: int) -> dict[str, Any]:
    system.one(body, 0)
    return _timed(lambda: system.many(body, count))


def transaction(system: ModuleType, body: str, count: int) -> dict[str, Any]:
    """One by one in a transaction, whose commit counts."""
    from django.db import transaction

    system.one(body, 0)

    def request() -> None:
        with transaction.atomic():
            for number in range(count):
                system.one(body, number)

    return _timed(request)


def latency(system: ModuleType, body: str, count: int) -> dict[str, Any]:
    """From each call to the beginning of its job, one after the other."""
    client = bodies._redis()
    latencies = []
    for number in range(-2, count):  # the first two warm up
        time.sleep(PAUSE)
        began = time.time()
        system.one(body, number)
        answer = client.blpop(bodies.STAMPS, PATIENCE)
        if number >= 0:
            latencies.append(float(answer[1]) - began)
    return {"seconds": sum(latencies), "latencies": latencies}


def _timed(work: Callable[[], object]) -> dict[str, Any]:
    began = time.perf_counter()
    work()
    return {"seconds": time.perf_counter() - began}


def main(module: str, action: str, body: str, count: str) -> None:
    system = importlib.import_module(module)
    before = time.process_time()
    result = globals()[action](system, body, int(count))
    print(json.dumps({**result, "cpu": time.process_time() - before}), flush=True)
    os._exit(0)  # threads of a system's own may be at work


if __name__ == "__main__":
    main(*sys.argv[1:])
