"""A project of one process on SQLite: enqueues batches with failures among them, and prints as JSON what came of it.

Run as `python -m tests.unit.children.embedded`, with DATABASE_URL naming a new file.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import django

from deferapp import defer

LIMIT_SECONDS = 40.0

reported: list[str] = []
is_mended = False


def mail(number: int) -> int:
    if number % 3 == 0 and not is_mended:
        raise ValueError(f"no street {number}")
    return number


async def amail(number: int) -> int:
    return mail.func(number)  # type: ignore[attr-defined,no-any-return]


def report(title: str) -> None:
    reported.append(title)


def mail_all(count: int) -> None:
    mail.map(range(count)).then(report, "of the parent")
    raise RuntimeError("the parent fails after its fan-out, and is retried")


mail = defer(mail, retry=0)  # type: ignore[assignment]
amail = defer(amail, retry=0)  # type: ignore[assignment]
report = defer(report)  # type: ignore[assignment]
mail_all = defer(mail_all, retry={"max_attempts": 1, "initial_interval": 0})  # type: ignore[assignment]


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
# Workers run what has been declared by now.
django.setup()

from django.core.management import call_command  # noqa: E402

from deferapp.embedded import EmbeddedWorker  # noqa: E402
from deferapp.executions.progress import Progress  # noqa: E402
from deferapp.models import BatchHook, Execution  # noqa: E402
from tests.waiting import wait_until  # noqa: E402


def counts(progress: Progress) -> dict[str, int]:
    return {state: count for state, count in progress.by_state.items() if count}


async def awaited() -> dict[str, int]:
    batch = await amail.amap(range(30))
    await batch.athen(report, "of async code")
    return counts(await batch)


def waited() -> dict[str, int]:
    batch = mail.map(range(30))
    batch.then(report, "of sync code")
    return counts(batch.wait(LIMIT_SECONDS))


def of_parent() -> dict[str, Any]:
    """A parent with failed children, which are then let run again."""
    global is_mended
    parent = mail_all.enqueue(9)
    ended = lambda: parent.progress().total == 10 and parent.progress().is_complete  # noqa: E731
    wait_until(ended, LIMIT_SECONDS, lambda: str(counts(parent.progress())))
    before = counts(parent.progress())
    is_mended = True
    retried = parent.retry_failed_children()
    wait_until(ended, LIMIT_SECONDS, lambda: str(counts(parent.progress())))
    return {"before": before, "retried": retried, "after": counts(parent.progress())}


def main() -> None:
    call_command("migrate", verbosity=0)
    with EmbeddedWorker():
        found = {"async": asyncio.run(awaited()), "sync": waited(), "parent": of_parent()}
        wait_until(lambda: len(reported) >= 3, LIMIT_SECONDS, lambda: str(reported))
    found["reports"] = sorted(reported)
    found["executions"] = Execution.objects.filter(function=report.name).count()
    found["hooks"] = BatchHook.objects.count()
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
