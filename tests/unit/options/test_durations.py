"""Durations and dates as people write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone as timezones
from hypothesis import given
from hypothesis import strategies as st

from deferapp.durations import as_date, as_duration, as_moment
from deferapp.exceptions import DeferError, DurationError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("value", "length"),
    [
        (HOUR, HOUR),
        (90, timedelta(seconds=90)),
        (0.25, timedelta(milliseconds=250)),
        (0, timedelta()),
        ("1h", HOUR),
        ("1 hour", HOUR),
        ("5 minutes", timedelta(minutes=5)),
        ("2 days", timedelta(days=2)),
        ("1h 30m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1 day, 2 hours", timedelta(hours=26)),
        ("1.5 hours", timedelta(minutes=90)),
        ("1.5s", timedelta(milliseconds=1500)),
        (" 1  Week ", timedelta(days=7)),
        ("PT5M", timedelta(minutes=5)),
        ("P1D", timedelta(days=1)),
        ("P1DT12H", timedelta(hours=36)),
        ("PT0.5S", timedelta(milliseconds=500)),
        ("P2W", timedelta(days=14)),
    ],
)
def test_a_duration_is_a_timedelta_or_seconds_or_words(value: Any, length: timedelta) -> None:
    assert as_duration(value) == length


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "h", "10", "5 parsecs", "1 month", "P1M", "P1Y", "P", "PT", "P1DT", "4:13", "1h 5", "30m 1h",
        "-1h", "-PT5M", "P-1D", "1e3s", "soon", "9999999999999 weeks", "P99999999999D", "P9999999999W",
        -1, -HOUR, float("nan"), float("inf"), float("-inf"), 1e300, True, False, None, b"1h", [], NOON,
    ],
)  # fmt: skip
def test_nonsense_is_no_duration_and_the_error_names_it(value: Any) -> None:
    with pytest.raises(DurationError) as refused:
        as_duration(value)
    assert repr(value) in str(refused.value)
    assert isinstance(refused.value, (DeferError, ValueError))


@given(st.text(max_size=30) | st.text("0123456789.:PTDHMSWhms -,/", max_size=30))
def test_any_text_is_a_duration_from_zero_or_refused(text: str) -> None:
    with suppress(DurationError):
        assert as_duration(text) >= timedelta()


@given(st.timedeltas(min_value=timedelta()), st.integers(0, 10**9))
def test_timedeltas_and_seconds_are_taken_as_they_are(length: timedelta, seconds: int) -> None:
    assert as_duration(length) == length
    assert as_duration(seconds) == timedelta(seconds=seconds)


def test_a_moment_is_a_duration_from_now() -> None:
    assert as_moment("1h", NOON) == as_moment(3600, NOON) == as_moment(HOUR, NOON) == NOON + HOUR
    assert as_moment(-HOUR, NOON) == NOON - HOUR


def test_a_moment_is_an_aware_datetime_in_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    moment = as_moment(datetime(2026, 11, 23, 21, tzinfo=tokyo), NOON)
    assert (moment, moment.tzinfo) == (NOON, UTC)


@pytest.mark.parametrize("use_tz", [True, False])
def test_a_naive_datetime_and_a_day_are_read_in_the_projects_zone(use_tz: bool) -> None:
    with override_settings(USE_TZ=use_tz, TIME_ZONE="America/New_York"), timezones.override("Asia/Tokyo"):
        assert as_moment(datetime(2026, 11, 23, 7), NOON) == NOON  # noqa: DTZ001
        assert as_moment(date(2026, 11, 23), NOON) == datetime(2026, 11, 23, 5, tzinfo=UTC)


@pytest.mark.parametrize("value", [timedelta.max, "5 parsecs", None, datetime.max.replace(tzinfo=timezone(-HOUR))])
def test_nonsense_is_no_moment_and_the_error_names_it(value: Any) -> None:
    with pytest.raises(DurationError) as refused:
        as_moment(value, NOON)
    assert repr(value) in str(refused.value)


@pytest.mark.parametrize("value", ["1h", 5, HOUR, None])
def test_a_date_is_not_a_duration(value: Any) -> None:
    with pytest.raises(DurationError):
        as_date(value)
