from __future__ import annotations

import threading

import pytest

from deferapp.health.bounded import TooSlow, within


def test_what_answers_in_time_gives_its_answer() -> None:
    assert within(30, lambda: 7) == 7


def test_what_does_not_answer_is_not_waited_for() -> None:
    never = threading.Event()
    with pytest.raises(TooSlow, match=r"no answer within 0\.05 s"):
        within(0.05, lambda: never.wait(30))
    never.set()


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("its own")])
def test_what_fails_raises_what_it_raised(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        within(30, fail)
