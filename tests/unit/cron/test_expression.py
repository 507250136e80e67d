"""What is a frequency, what it means, and what one is told who writes something else."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deferapp.cron import next_times, parse
from deferapp.exceptions import DeferError, InvalidFrequency
from tests.unit.cron.cases import CASES, INVALID, Case, patient

FIELD_NAMES = ("minute:", "hour:", "day-of-month:", "month:", "day-of-week:")
PROBLEMS = ("a frequency is", "a frequency has", "unknown macro")
CRON_LIKE = st.text(alphabet="0123456789*/-,@ \tLW#?H~abcdefjmnostuwy\n\x00\xa0\u0663\ud800", max_size=40)


def told(value: Any) -> str:
    with pytest.raises(InvalidFrequency) as caught:
        parse(value)
    return str(caught.value)


@pytest.mark.parametrize("case", INVALID["cases"], ids=lambda case: f"{case['id']}-{case['kind']}")
def test_what_is_no_frequency_is_refused_at_once_with_the_field_or_the_problem(case: dict[str, Any]) -> None:
    began = time.process_time()
    with pytest.raises(InvalidFrequency) as caught:
        next_times(case["value"])
    assert time.process_time() - began < 0.5
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, DeferError)
    assert caught.value.__cause__ is None
    assert str(caught.value).startswith((*FIELD_NAMES, *PROBLEMS))
    assert caught.value.told(str) == str(caught.value)
    assert_harmless(str(caught.value))


def assert_harmless(message: str) -> None:
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize(
    ("frequency", "message"),
    [
        ("0 24 * * *", "hour: 24 is out of range 0-23 in '0 24 * * *'"),
        ("0 0 * * 8", "day-of-week: 8 is out of range 0-7"),
        ("0 0 1 13 *", "month: 13 is out of range 1-12"),
        ("*/61 * * * *", "minute: the step '61' is not a number from 1 to 60"),
        ("0 */25 * * *", "hour: the step '25' is not a number from 1 to 24"),
        ("0 0 */32 * *", "day-of-month: the step '32' is not a number from 1 to 31"),
        ("0 0 1 */13 *", "month: the step '13' is not a number from 1 to 12"),
        ("0 0 * * */8", "day-of-week: the step '8' is not a number from 1 to 7"),
        ("10-20/61 * * * *", "minute: the step '61' is not"),
        ("1,,2 * * * *", "minute: nothing stands before or after a comma"),
        ("/5 * * * *", "minute: '' is not understood"),
        ("*5 * * * *", "minute: '*5' is not understood"),
        ("0 22-2 * * *", "hour: the range 22-2 runs backwards: use 22-23,0-2"),
        ("0 0 * * fri-mon", "day-of-week: the range fri-mon runs backwards: use 5-7,0-1"),
        ("0 0 * * fri-sun", "day-of-week: the range fri-sun runs backwards"),
        ("0 0 * * 7-1", "day-of-week: the range 7-1 runs backwards"),
        ("0 0 * * monday", "day-of-week: 'monday' is not understood: use numbers 0-7, names sun to sat"),
        ("0 0 1 february *", "month: 'february' is not understood: use numbers 1-12, names jan to dec"),
        ("0 feb * * *", "hour: 'feb' is not understood: use numbers 0-23, ranges"),
        ("0 0 L * *", "day-of-month: 'L' is not understood"),
        ("0 0 15W * *", "day-of-month: '15W' is not understood"),
        ("0 0 * * 5#3", "day-of-week: '5#3' is not understood"),
        ("0 0 * * 5L", "day-of-week: '5L' is not understood"),
        ("0 0 ? * 1", "day-of-month: '?' is not understood"),
        ("H * * * *", "minute: 'H' is not understood"),
        ("0~30 * * * *", "minute: '0~30' is not understood"),
        ("0 0 31 2 *", "day-of-month: 31 never comes in month 2, which ends by 29, in '0 0 31 2 *'"),
        ("0 0 30 2 *", "day-of-month: 30 never comes in month 2"),
        ("0 0 31 4,6,9,11 *", "day-of-month: 31 never comes in month 4,6,9,11, which ends by 30"),
        ("0 0 30,31 feb */2", "day-of-month: 30,31 never comes in month 2"),
        ("0 0 0 8 * * 1", "a frequency has 5 fields (minute hour day-of-month month day-of-week), not 7"),
        ("0 8 * * 1\n", "a frequency is plain ASCII on one line, without '\\n'"),
        ("\u0663 * * * *", "a frequency is plain ASCII on one line, without '\\u0663'"),
        (" \t ", "a frequency is empty"),
        ("@reboot", "unknown macro '@reboot': use one of @yearly, "),
        ("@every 5m", "unknown macro '@every 5m'"),
        ("@daily @hourly", "unknown macro"),
        ("@Daily", "unknown macro"),
        ("0 8 * * " + "1" * 193, "a frequency has at most 200 characters, not 201"),
        (None, "a frequency is text such as '0 8 * * 1' (08:00 UTC on Mondays), not NoneType"),
        (True, "not bool"),
        (0, "not int"),
        (b"0 8 * * 1", "not bytes"),
        (["0 8 * * 1"], "not list"),
    ],
)
def test_the_message_says_what_is_wrong_and_what_would_be_right(frequency: Any, message: str) -> None:
    assert message in told(frequency)
    assert_harmless(told(frequency))


def test_a_number_too_long_to_print_is_refused_like_any_number() -> None:
    assert "not int" in told(10**5000)


@given(st.text() | CRON_LIKE)
@patient
def test_any_text_is_either_a_frequency_or_refused(text: str) -> None:
    try:
        assert parse(text).text == " ".join(text.split())
    except InvalidFrequency as error:
        assert_harmless(str(error))


@given(CASES)
@patient
def test_an_expression_holds_the_numbers_that_were_written(case: Case) -> None:
    assume(case.comes())
    expression = parse(case.text)
    minute, hour, day, month, weekday = (tuple(sorted(field.values)) for field in case.fields)
    assert (expression.minute, expression.hour, expression.month) == (minute, hour, month)
    assert expression.day_of_month == day
    assert expression.day_of_week == tuple(sorted({each % 7 for each in weekday}))
    assert expression.day_of_month_restricted is not case.fields[2].text.startswith("*")
    assert expression.day_of_week_restricted is not case.fields[4].text.startswith("*")


@given(CASES)
@patient
def test_an_expression_is_refused_exactly_if_it_never_comes(case: Case) -> None:
    if case.comes():
        assert parse(case.text)
    else:
        assert "never comes" in told(case.text)


@given(CASES)
@patient
def test_the_canonical_text_means_the_same_and_is_its_own_canonical_text(case: Case) -> None:
    assume(case.comes())
    expression = parse(case.text)
    assume(len(expression.canonical) <= 200)
    again = parse(expression.canonical)
    assert (again.minute, again.hour, again.month) == (expression.minute, expression.hour, expression.month)
    assert again.days == expression.days
    assert again.canonical == expression.canonical


@pytest.mark.parametrize(
    ("frequency", "canonical"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        (" @hourly\t", "0 * * * *"),
        ("  0 \t 8 * *   MON ", "0 8 * * 1"),
        ("007 08 * jAn *", "7 8 * 1 *"),
        ("0 8 * * 7", "0 8 * * 0"),
        ("0 8 * * 5-7", "0 8 * * 0,5,6"),
        ("0 8 * * mon-5", "0 8 * * 1-5"),
        ("0 8 * * 5/2", "0 8 * * 0,5"),
        ("5/15 * * * *", "5,20,35,50 * * * *"),
        ("0-59/5 0-23/1 * * *", "*/5 * * * *"),
        ("*/60 */24 */31 */12 */7", "0 0 */31 1 0"),
        ("5,* 1,2,3 * * *", "* 1-3 * * *"),
        ("0 0 13 * 5", "0 0 13 * 5"),
        ("0 0 */2 * 1", "0 0 */2 * 1"),
        ("0 0 */9,2 * 1", "0 0 */9,2 * 1"),
        ("0 0 13 * */2", "0 0 13 * */2"),
        ("0 0 1-31 * 1", "0 0 * * *"),
        ("0 0 1 * 0-6", "0 0 * * *"),
        ("0 0 31 2 1", "0 0 * 2 1"),
        ("0 0 29-31 2 *", "0 0 29 2 *"),
        ("0 0 1-29 2 1", "0 0 * 2 *"),
    ],
)
def test_frequencies_of_one_meaning_have_one_canonical_text(frequency: str, canonical: str) -> None:
    assert parse(frequency).canonical == canonical


def test_the_text_is_kept_as_written_with_single_spaces() -> None:
    assert parse("\t0  8 * * MON ").text == "0 8 * * MON"
    assert parse(" @daily ").text == "@daily"


def test_a_frequency_may_have_200_characters() -> None:
    assert parse("0 8 * * " + "0" * 191 + "1").day_of_week == (1,)
