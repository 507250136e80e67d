"""`python -m tests.acceptance.scenes [embedded]` plays scenes: `module.function` a line of its standard input.

For each it prints as a line of JSON what came of it. With `embedded`, this process is the worker too, after it has
migrated its database.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import traceback

import django
from django.core.management import call_command

import tests  # noqa: F401 (the Celery app)

THREADS = 6


def main(*mode: str) -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    django.setup()
    from deferapp.embedded import EmbeddedWorker

    is_embedded = mode == ("embedded",)
    if is_embedded:
        call_command("migrate", verbosity=0)
    with EmbeddedWorker(THREADS) if is_embedded else contextlib.nullcontext():
        for line in sys.stdin:
            print(json.dumps(_play(line.strip())), file=answers, flush=True)


def _play(scene: str) -> dict[str, object]:
    module, _, name = scene.partition(".")
    try:
        return {"found": getattr(importlib.import_module(f"{__package__}.{module}"), name)()}
    except Exception:
        return {"error": traceback.format_exc()}


if __name__ == "__main__":
    main(*sys.argv[1:])
