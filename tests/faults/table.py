"""The faults that are caused, what plain Celery makes of each, and the figures that a run of this suite found here.

"Plain" is Celery with its default settings and "practice" with what is recommended (`acks_late`,
`reject_on_worker_lost`, a prefetch of 1, `autoretry_for`, `delay_on_commit`), both with Django 5.2, Celery 5.7, Redis,
django-celery-beat 2.9 and four processes, and a parent whose 500 children each append a line to a file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault: what happens to whom, with Celery's outcomes."""

    fault: str
    plain: str
    practice: str
    promised: str


ROWS: Final[dict[str, Row]] = {
    "child killed": Row(
        fault="kill -9 of a pool child in the middle of a job",
        plain="1 lost",
        practice="0 lost, again after 32 s",
        promised="0 lost, running again within 20 s",
    ),
    "job kills": Row(
        fault="a job that always kills its process",
        plain="lost",
        practice="9 runs in 15 s, without end",
        promised="failed after its retries with ER0002 or ER0004, its neighbours untouched",
    ),
    "worker killed": Row(
        fault="kill -9 of a worker and its pool at 150 of 500, started again",
        plain="2 lost, 16 after an hour",
        practice="2 twice",
        promised="0 lost; twice at most what was in its body, one a process",
    ),
    "worker gone": Row(
        fault="the same, not started again; another worker is there",
        plain="16 after an hour",
        practice="up to 100 s late",
        promised="0 lost, recovered within 20 s",
    ),
    "parent raises": Row(
        fault="the parent raises at 250 of 500", plain="250 lost", practice="250 twice", promised="0 lost, 0 twice"
    ),
    "parent killed": Row(
        fault="kill -9 in the fan-out at 250 of 500",
        plain="249 lost",
        practice="253 twice",
        promised="0 lost, 0 twice",
    ),
    "broker emptied": Row(
        fault="Redis restarted empty at 150 of 500",
        plain="347 lost",
        practice="346 lost, worker dead in 2 of 4",
        promised="0 lost, 0 twice, going again within 30 s, worker alive",
    ),
    "broker refuses": Row(
        fault="the broker refuses at an enqueue in a request",
        plain="error 500",
        practice="row kept, job lost, error 500",
        promised="200 within 250 ms more; runs within 5 s of its return",
    ),
    "broker hangs": Row(
        fault="the broker hangs (SIGSTOP) at an enqueue in a request",
        plain="no answer in 40 s",
        practice="16 s, then an error",
        promised="200 within 250 ms more; runs within 5 s of its return",
    ),
    "rolled back": Row(
        fault="transaction rolled back; process killed around the commit",
        plain="20 of 20 run all the same",
        practice="0",
        promised="0 run that were not committed, 0 lost that were",
    ),
    "before commit": Row(
        fault="worker quicker than the commit", plain="20 of 20 lost", practice="0", promised="0 lost, 0 early"
    ),
    "two beats": Row(
        fault="two beats", plain="2 runs a due moment", practice="2 runs a due moment", promised="1 run a due moment"
    ),
    "beat down": Row(
        fault="beat and workers down over 3 due moments",
        plain="1 run",
        practice="1 run",
        promised="as `catch_up` says: 1, 3 or 0 runs",
    ),
    "no beat": Row(
        fault="no beat at all",
        plain="nothing ever runs",
        practice="nothing ever runs",
        promised="each due moment runs, at most 2 s late; one alert",
    ),
    "beat killed": Row(
        fault="beat killed right after it has sent", plain="1 twice", practice="0", promised="1 run a due moment"
    ),
    "delay": Row(
        fault="a delay of 20 s with a visibility timeout of 5 s, 2 workers",
        plain="4 runs each",
        practice="4 runs each",
        promised="1 run each",
    ),
    "long job": Row(
        fault="a job of 22 s with a visibility timeout of 5 s, 2 workers",
        plain="1 run",
        practice="4 runs side by side",
        promised="1 run",
    ),
    "deployment": Row(
        fault="SIGTERM to the worker, SIGKILL 10 s later",
        plain="1 lost, 16 after an hour",
        practice="0 lost, 0 twice",
        promised="0 lost, 0 twice; others take over what had not begun",
    ),
    "poison": Row(
        fault="poisonous messages",
        plain="2 of 10 kinds kill the worker, 1 for ever",
        practice="the same",
        promised="worker lives, queue flows",
    ),
    "database down": Row(
        fault="PostgreSQL down for 10 s while 500 are drained",
        plain="71 to 78 lost",
        practice="112 lost with `track_started`",
        promised="0 lost, 0 twice, no live worker declared dead",
    ),
    "clock change": Row(
        fault="the hour that comes twice in autumn, `USE_TZ=False`",
        plain="1 of 24 lost",
        practice="1 of 24 lost",
        promised="24 of 24: schedules are UTC",
    ),
}

HEADER: Final = ("fault", "plain", "best practice", "promised here", "seen here")


def markdown(figures: Iterable[tuple[str, str]]) -> list[str]:
    """The table with what was seen, as lines of Markdown; faults that were not caused in this run are left out."""
    seen: dict[str, list[str]] = defaultdict(list)
    for key, text in figures:
        seen[key].append(text)
    lines = [_line(HEADER), _line(["---"] * len(HEADER))]
    for key, row in ROWS.items():
        if key in seen:
            lines.append(_line([row.fault, row.plain, row.practice, row.promised, "; ".join(sorted(seen[key]))]))
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
