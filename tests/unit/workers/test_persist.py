"""Writing until it is written: what is tried again, and what is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DataError, InterfaceError, InternalError, OperationalError, ProgrammingError

from deferapp.workers import persist

AWAY = [
    pytest.param(OperationalError("the server closed the connection"), id="away"),
    pytest.param(InterfaceError("connection already closed"), id="closed"),
    pytest.param(InternalError("cannot execute UPDATE in a read-only transaction"), id="read-only"),
]
REFUSED = [pytest.param(DataError("too long"), id="data"), pytest.param(ProgrammingError("no table"), id="table")]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persist, "PAUSES", (0.0,))
    monkeypatch.setattr(persist, "drop_connections", lambda: None)


class Write:
    """Fails as often as there are errors, and then gives "written"."""

    def __init__(self, *errors: Exception) -> None:
        self._errors: Iterator[Exception] = iter(errors)

    def __call__(self) -> str:
        for error in self._errors:
            raise error
        return "written"


@pytest.mark.parametrize("error", AWAY)
async def test_what_fails_because_the_database_is_away_is_tried_until_it_is_there(error: Exception) -> None:
    assert persist.persist(Write(error, error, error)) == "written"
    assert await persist.apersist(Write(error, error, error)) == "written"


@pytest.mark.parametrize("error", REFUSED)
async def test_what_the_database_refuses_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        persist.persist(Write(error))
    with pytest.raises(type(error)):
        await persist.apersist(Write(error))


@pytest.mark.parametrize("error", [*AWAY, *REFUSED])
async def test_what_must_be_written_in_the_end_is_tried_whatever_the_database_says(error: Exception) -> None:
    assert persist.persist(Write(error, error), persist.ANY_ERROR) == "written"
    assert await persist.apersist(Write(error, error), persist.ANY_ERROR) == "written"


def test_a_mistake_of_our_own_is_not_tried_again() -> None:
    with pytest.raises(LookupError):
        persist.persist(Write(LookupError("ours")), persist.ANY_ERROR)


def test_a_long_outage_is_told_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    persist.persist(Write(*[OperationalError("away")] * (persist.LOGGED_EVERY + 1)))
    assert len(caplog.records) == 2
