"""Several processes at one ledger, doing whatever may be done to executions in random order."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from deferapp.clock import now
from deferapp.executions.batches import hooks
from deferapp.executions.ids import child_id
from deferapp.executions.states import ENDED, State
from deferapp.models import Attempt, BatchHook, DueMoment, Execution, Schedule, Tally, TallyEntry
from deferapp.tallies import fold
from tests.leases import ROOT
from tests.parallel.crowd import FREE, LIMITED
from tests.parallel.databases import Database
from tests.proc import die_with_parent
from tests.unit.rows import MINUTE, make_execution
from tests.waiting import wait_until

PROCESSES = 3
EXECUTIONS = 60
LIMIT_SECONDS = 120.0


@pytest.fixture
def ledger(database: Database) -> BatchHook:
    """Executions of two functions, of one parent and one batch, whose hook waits; and a schedule that is due."""
    moment, batch = now(), UUID(int=8)
    parent = make_execution("crowd.defer.all", state=State.SUCCEEDED)
    for number in range(EXECUTIONS):
        function = (FREE, LIMITED)[number % 2].name
        late = {"discard_at": moment} if number % 10 == 0 else {}
        id = child_id(parent.id, function, str(number), 0)
        make_execution(function, id=id, parent=parent, batch=batch, dispatch_at=moment, **late)
    Schedule.objects.create(function=FREE.name, frequency="* * * * *", catch_up="all", next_due_at=moment - 5 * MINUTE)
    return BatchHook.objects.create(
        id=child_id(batch, FREE.name, "{}", 0), batch=batch, function=FREE.name, arguments_json="{}"
    )


class Crowd:
    """Processes, and what each of them has printed."""

    def __init__(self, database: Database, directory: Path) -> None:
        self._paths = [directory / f"{number}.txt" for number in range(PROCESSES)]
        self._processes = [self._start(database, path) for path in self._paths]

    def _start(self, database: Database, path: Path) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": str(ROOT),
            "TESTS_SETTINGS": json.dumps({"DATABASES": {"default": database.settings}}),
        }
        seed, repeats = random.getrandbits(32), database.refuses_some
        code = f"import django; django.setup(); from tests.parallel import crowd; crowd.main({seed}, repeats={repeats})"
        with path.open("w") as out:
            return subprocess.Popen(
                [sys.executable, "-c", code],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )

    def begin(self) -> None:
        """Let all begin as soon as all are ready."""
        wait_until(lambda: all("ready" in text for text in self.texts()), LIMIT_SECONDS, "all are ready")
        for process in self._processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.close()

    def has_ended(self) -> bool:
        return all(process.poll() is not None for process in self._processes)

    def texts(self) -> list[str]:
        return [path.read_text() for path in self._paths]

    def lines(self, word: str) -> Counter[tuple[UUID, int]]:
        """The attempts of which the processes have said that they `ran`, or that they have `settled` them."""
        found = [line.split() for text in self.texts() for line in text.splitlines() if line.startswith(f"{word} ")]
        return Counter((UUID(id), int(attempt)) for _, id, attempt in found)

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def assert_well(self) -> None:
        assert [process.returncode for process in self._processes] == [0] * PROCESSES, "\n".join(self.texts())


def running() -> int:
    """How many run under the limit, at one moment."""
    return Execution.objects.filter(function=LIMITED.name, state__in=(State.STARTED, State.ABORTING)).count()


def counted_attempts() -> int:
    """How many there were by the tallies."""
    while TallyEntry.objects.exists():
        fold.fold()
    return sum(sum(tally.durations.values()) for tally in Tally.objects.filter(span="day", function=""))


def test_whatever_many_do_at_once_each_attempt_is_made_once_and_no_limit_is_exceeded(
    database: Database, ledger: BatchHook, tmp_path: Path
) -> None:
    crowd, most = Crowd(database, tmp_path), [0]

    def ends() -> bool:
        most.append(running())
        return crowd.has_ended()

    with contextlib.closing(crowd):
        crowd.begin()
        wait_until(ends, LIMIT_SECONDS, lambda: f"all have ended: {crowd.texts()}")
        crowd.assert_well()
    assert max(most) <= 3
    attempts = list(Attempt.objects.values_list("execution_id", "number"))
    assert crowd.lines("ran") == crowd.lines("settled") == Counter(attempts)
    for execution in Execution.objects.all():
        assert execution.state in ENDED
        numbers = sorted(number for id, number in attempts if id == execution.id)
        assert numbers == list(range(1, execution.attempt + 1))
    assert len(attempts) > EXECUTIONS / 2
    assert counted_attempts() == len(attempts)
    hooks.fire()
    assert Execution.objects.filter(id=ledger.id).count() == 1
    fired = Execution.objects.filter(function=FREE.name, parent=None).exclude(id=ledger.id)
    assert DueMoment.objects.count() == fired.count() >= 5
