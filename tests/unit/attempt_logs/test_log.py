"""The bounds of the log of an attempt, and what is starred out of it."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deferapp.executions.logs import log as module
from deferapp.executions.logs.log import LONGEST, MOST_BYTES, MOST_LINES, Line, Log, Snapshot
from deferapp.redact import STARS

HALF = MOST_LINES // 2


def line(text: str, logger: str = "shop") -> Line:
    return Line(1_800_000_000.25, "INFO", logger, text)


def log_of(*texts: str) -> Log:
    log = Log(uuid4(), 1)
    for text in texts:
        log.add(line(text))
    return log


def texts(snapshot: Snapshot) -> list[str | None]:
    return [each and each[3] for each in snapshot.lines]


def test_a_line_has_its_moment_level_logger_and_text() -> None:
    assert log_of("a").snapshot().lines == [["2027-01-15T08:00:00.250Z", "INFO", "shop", "a"]]


def test_as_many_lines_as_may_be_are_all_kept() -> None:
    said = [str(number) for number in range(MOST_LINES)]
    snapshot = log_of(*said).snapshot()
    assert (texts(snapshot), snapshot.dropped) == (said, 0)


def test_of_more_lines_the_first_and_the_last_are_kept_and_the_others_counted() -> None:
    said = [str(number) for number in range(MOST_LINES * 3)]
    snapshot = log_of(*said).snapshot()
    assert texts(snapshot) == [*said[:HALF], None, *said[-HALF:]]
    assert snapshot.dropped == MOST_LINES * 2


def test_of_long_lines_fewer_are_kept_from_both_ends() -> None:
    said = [f"{number} " + "x" * 3_000 for number in range(100)]
    snapshot = log_of(*said).snapshot()
    kept = texts(snapshot)
    gap = kept.index(None)
    assert kept[:gap] == said[:gap]
    assert kept[gap + 1 :] == said[-(len(kept) - gap - 1) :]
    assert gap > 5
    assert snapshot.dropped == 100 - (len(kept) - 1)


@given(st.lists(st.text(max_size=40) | st.integers(0, 20_000).map("é".__mul__), max_size=60))
def test_no_log_is_larger_than_it_may_be_and_each_line_is_kept_or_counted(said: list[str]) -> None:
    snapshot = log_of(*said).snapshot()
    kept = [each for each in snapshot.lines if each is not None]
    assert len(kept) + snapshot.dropped == len(said)
    assert (None in snapshot.lines) == (snapshot.dropped > 0)
    assert sum(len("".join(each).encode()) for each in kept) <= MOST_BYTES


def test_a_line_is_cut_off() -> None:
    (text,) = texts(log_of("x" * LONGEST * 2).snapshot())
    assert text == "x" * LONGEST


def test_secrets_are_starred_out() -> None:
    assert texts(log_of("password=hunter2 for bob").snapshot()) == [f"password={STARS} for bob"]


def test_stars_that_are_longer_than_what_they_hide_do_not_break_the_bound() -> None:
    snapshot = log_of(*["key=1 " * 100] * MOST_LINES).snapshot()
    assert sum(len("".join(each)) for each in snapshot.lines if each) <= MOST_BYTES
    assert len(snapshot.lines) - 1 + snapshot.dropped == MOST_LINES


def test_what_no_database_can_hold_is_escaped() -> None:
    assert texts(log_of("a\0b\ud800").snapshot()) == ["a\\x00b\\ud800"]


def test_only_what_is_about_to_be_written_is_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(module, "redact_text", lambda text, _hidden: seen.append(text) or text)
    log = log_of(*map(str, range(10_000)))
    log.snapshot()
    log.snapshot()
    assert len(seen) == MOST_LINES


def test_it_is_unwritten_until_all_that_was_added_is_written() -> None:
    log = log_of()
    assert not log.is_unwritten
    log.add(line("a"))
    snapshot = log.snapshot()
    log.add(line("b"))
    log.written(snapshot.version)
    assert log.is_unwritten
    log.written(log.snapshot().version)
    assert not log.is_unwritten


def test_a_closed_log_takes_nothing() -> None:
    log = log_of("a")
    log.close()
    log.add(line("b"))
    assert texts(log.snapshot()) == ["a"]


def test_threads_that_log_at_once_lose_nothing() -> None:
    log = Log(uuid4(), 1)
    threads = [threading.Thread(target=lambda: [log.add(line("a")) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    snapshot = log.snapshot()
    assert len(snapshot.lines) - 1 + snapshot.dropped == 4_000
