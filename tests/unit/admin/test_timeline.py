"""The line of attempts: what it is made of, and that nothing on it vanishes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deferapp.admin.execution_page import timeline
from deferapp.admin.execution_page.timeline import Piece
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution

START = datetime(2026, 1, 5, 8, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def execution(state: str, due: float = 0, **moments: float) -> Execution:
    fields: dict[str, Any] = {f"{name}_at": at(seconds) for name, seconds in moments.items()}
    return Execution(function="f", state=state, created_at=START, due_at=at(due), attempt=3, **fields)


def attempt(number: int, start: float, end: float, *, due: float | None = None, retry: float | None = None) -> Attempt:
    return Attempt(
        number=number,
        outcome="failed" if retry is not None else "succeeded",
        due_at=None if due is None else at(due),
        started_at=at(start),
        ended_at=at(end),
        retry_at=None if retry is None else at(retry),
    )


def told(execution: Execution, *attempts: Attempt, now: float = 1000) -> list[tuple[str, float, float]]:
    """What the line is made of: kind, begin and end in seconds."""
    return [
        (piece.kind, (piece.begins_at - START).total_seconds(), (piece.ends_at - START).total_seconds())
        for piece in timeline.pieces(execution, attempts, at(now))
    ]


def test_a_retried_execution_waits_runs_backs_off_and_runs() -> None:
    line = told(execution(State.SUCCEEDED), attempt(1, 2, 3, due=0, retry=30), attempt(2, 31, 40, due=30))
    assert line == [("wait", 0, 2), ("failed", 2, 3), ("backoff", 3, 30), ("wait", 30, 31), ("succeeded", 31, 40)]


def test_what_was_delayed_waited_for_its_moment_first() -> None:
    assert told(execution(State.SUCCEEDED), attempt(1, 61, 62, due=60)) == [
        ("delay", 0, 60),
        ("wait", 60, 61),
        ("succeeded", 61, 62),
    ]


def test_what_runs_is_open_and_ends_now() -> None:
    (_wait, _first, _backoff, runs) = timeline.pieces(
        execution(State.STARTED, due=30, started=30), [attempt(1, 2, 3, due=0, retry=30)], at(50)
    )
    assert (runs.kind, runs.attempt, runs.is_open, runs.length) == ("started", 3, True, timedelta(seconds=20))


def test_what_waits_for_its_next_attempt_shows_the_whole_backoff() -> None:
    line = timeline.pieces(execution(State.CREATED, due=60), [attempt(1, 2, 3, due=0, retry=60)], at(10))
    assert (line[-1].kind, line[-1].ends_at, line[-1].is_open) == ("backoff", at(60), True)


def test_what_is_due_and_waits_for_a_worker_waits_until_now() -> None:
    assert told(execution(State.CREATED), now=7) == [("wait", 0, 7)]
    line = told(execution(State.CREATED, due=60), attempt(1, 0, 3, due=0, retry=60), now=70)
    assert line == [("failed", 0, 3), ("backoff", 3, 60), ("wait", 60, 70)]


def test_what_a_person_retried_rested_until_then() -> None:
    last = Attempt(number=1, outcome="failed", started_at=at(0), ended_at=at(3))
    line = told(execution(State.CREATED, due=86_400), last, now=86_401)
    assert line == [("failed", 0, 3), ("rest", 3, 86_400), ("wait", 86_400, 86_401)]


def test_what_never_ran_waited_until_it_ended() -> None:
    assert told(execution(State.CANCELLED, ended=9)) == [("wait", 0, 9)]
    assert told(execution(State.DISCARDED, due=20, ended=9)) == [("delay", 0, 9)]


def test_earlier_attempts_that_are_not_at_hand_are_left_out() -> None:
    line = told(execution(State.SUCCEEDED), attempt(7, 500, 501, due=490, retry=600), attempt(8, 600, 601, due=600))
    assert line[0] == ("wait", 490, 500)


def test_clocks_that_disagree_break_nothing() -> None:
    """An attempt that another machine's clock lets start before it was due, and end before it started."""
    line = timeline.pieces(execution(State.SUCCEEDED), [attempt(1, -5, -9, due=30)], at(0))
    assert [piece.length for piece in line] == [timedelta()]
    assert timeline.context(execution(State.SUCCEEDED), [attempt(1, -5, -9, due=30)], at(0))


def piece(kind: str, seconds: float, attempt: int = 0) -> Piece:
    return Piece(kind=kind, begins_at=START, ends_at=at(seconds), attempt=attempt)


def test_widths_are_to_scale() -> None:
    assert timeline.widths([piece("wait", 10), piece("failed", 30, 1), piece("backoff", 60)]) == pytest.approx(
        [10, 30, 60]
    )


def test_nothing_vanishes_and_the_rest_stays_to_scale() -> None:
    widths = timeline.widths([piece("wait", 0.001), piece("failed", 0.2, 1), piece("backoff", 600), piece("wait", 300)])
    assert widths[0] >= 0.8
    assert widths[1] >= 3
    assert sum(widths) == pytest.approx(100)
    assert widths[2] / widths[3] == pytest.approx(2)


def test_a_rest_of_days_leaves_room_for_the_attempts() -> None:
    widths = timeline.widths([piece("failed", 1, 1), piece("rest", 864_000), piece("succeeded", 3, 2)])
    assert widths == pytest.approx([24, 4, 72])


@pytest.mark.parametrize("count", [1, 2, 40, 60])
def test_as_many_as_a_page_shows_fit(count: int) -> None:
    widths = timeline.widths([piece("failed", number % 2 * 1000, number + 1) for number in range(count)])
    assert sum(widths) == pytest.approx(100)
    assert min(widths) > 0


def test_the_line_is_told_in_words_too() -> None:
    context = timeline.context(
        execution(State.STARTED, due=30, started=31), [attempt(1, 2, 3.5, due=0, retry=30)], at(50)
    )
    assert context is not None
    assert context["text"] == (
        "wait 2.0 s; attempt 1 failed, 1.5 s; backoff 26 s; wait 1.0 s; attempt 3 started, 19 s …"
    )
    assert context["total"] == "50 s …"
    assert [part["sign"] for part in context["parts"]] == ["", "✕", "", "", "⟳"]


def test_numbers_of_the_drawing_are_written_as_svg_reads_them(settings: Any) -> None:
    from django.utils import translation

    with translation.override("de"):
        context = timeline.context(execution(State.CREATED), [], at(1.5))
    assert context is not None
    assert context["parts"][0]["width"] == "100.00%"
