"""`python -m benchmarks.enqueue FUNCTION COUNT`: enqueue executions of a function of `benchmarks.work`, as a map."""

from __future__ import annotations

import importlib
import os
import sys
import time

import django

from benchmarks.memory import mebibytes


def main(name: str, count: int) -> None:
    import tests  # noqa: F401  the project's Celery app

    django.setup()
    function = getattr(importlib.import_module(f"benchmarks.work.defer.{name}"), name)
    memory, began = mebibytes(os.getpid()), time.monotonic()
    function.map(range(count))
    seconds = time.monotonic() - began
    grown = mebibytes(os.getpid()) - memory
    print(
        f"{count:,} enqueued in {seconds:.1f} s, {count / seconds:,.0f} a second; memory {grown:+.1f} MiB", flush=True
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
