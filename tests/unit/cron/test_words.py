"""Frequencies in words."""

from __future__ import annotations

import pytest
from django.utils import translation
from hypothesis import assume, given

from deferapp.cron import describe, parse
from tests.unit.cron.cases import CASES, Case, patient


@pytest.mark.parametrize(
    ("frequency", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("*/30 * * * *", "every 30 minutes"),
        ("0 * * * *", "every hour"),
        ("0 */2 * * *", "every 2 hours"),
        ("30 * * * *", "at minute 30 past every hour"),
        ("5,10,30-40 * * * *", "at minutes 5, 10 and 30 to 40 past every hour"),
        # Not evenly: seven does not divide the hour.
        ("*/25 * * * *", "at minutes 0, 25 and 50 past every hour"),
        ("30 9-17 * * *", "at minute 30 past hours 9 to 17"),
        ("0-10 11 * * *", "at minutes 0 to 10 past hour 11"),
        ("*/10 9-17 * * 1-5", "every 10 minutes from 09:00 to 17:59 on Monday to Friday"),
        ("* 8,20 * * *", "every minute from 08:00 to 08:59 and from 20:00 to 20:59"),
        ("* 8,9 * * *", "every minute from 08:00 to 09:59"),
        ("@daily", "at 00:00 every day"),
        ("0 8 * * *", "at 08:00 every day"),
        ("0 */6 * * *", "at 00:00, 06:00, 12:00 and 18:00 every day"),
        ("5,35 8,20 * * *", "at 08:05, 08:35, 20:05 and 20:35 every day"),
        ("0 8 * * 1", "at 08:00 on Monday"),
        ("0 8 * * 5-7", "at 08:00 on Friday to Sunday"),
        ("0 8 * * 0,6", "at 08:00 on Saturday and Sunday"),
        ("0 8 * * 1,3,5", "at 08:00 on Monday, Wednesday and Friday"),
        ("0 8 1 * *", "at 08:00 on day 1 of the month"),
        ("0 8 1,15,20-25 * *", "at 08:00 on days 1, 15 and 20 to 25 of the month"),
        ("0 8 * 1 *", "at 08:00 every day in January"),
        ("0 8 1 6-8,12 *", "at 08:00 on day 1 of the month in June to August and December"),
        ("* * * * 0", "every minute on Sunday"),
        ("0 8 13 * 5", "at 08:00 on day 13 of the month or on Friday"),
        ("0 8 13 6 5", "at 08:00 on day 13 of the month or on Friday, in June"),
        ("0 8 1,15 * mon,wed", "at 08:00 on days 1 and 15 of the month or on Monday and Wednesday"),
        ("0 8 */10 * 1", "at 08:00 on Monday, but only on days 1, 11, 21 and 31 of the month"),
        ("0 8 13 * 0-6", "at 08:00 every day"),
        ("0 8 31 2 1", "at 08:00 on Monday in February"),
    ],
)
def test_a_frequency_is_described_as_a_person_would_say_it(frequency: str, words: str) -> None:
    assert describe(parse(frequency)) == words


@pytest.mark.parametrize(
    ("frequency", "words"),
    [
        ("* * * * *", "jede Minute"),
        ("*/5 * * * *", "alle 5 Minuten"),
        ("0 * * * *", "stündlich"),
        ("0 */3 * * 1", "jeden Montag alle 3 Stunden"),
        ("30 9-17 * * *", "zur Minute 30 der Stunden 9 bis 17"),
        ("5,10,30-40 * * * *", "zu den Minuten 5, 10 und 30 bis 40 jeder Stunde"),
        ("*/10 9-17 * * 1-5", "Montag bis Freitag alle 10 Minuten von 09:00 bis 17:59"),
        ("0 8,20 * * *", "täglich um 08:00 und 20:00"),
        ("0 8 1,15 * *", "an den Tagen 1 und 15 des Monats um 08:00"),
        ("0 8 13 6 5", "am 13. des Monats oder jeden Freitag um 08:00, im Juni"),
        ("0 8 31 1,3 1", "am 31. des Monats oder jeden Montag um 08:00, im Januar und März"),
    ],
)
def test_a_description_speaks_the_language_that_is_active_in_its_own_order(frequency: str, words: str) -> None:
    with translation.override("de"):
        assert describe(parse(frequency)) == words


@given(CASES)
@patient
def test_every_frequency_has_a_description_in_one_line(case: Case) -> None:
    assume(case.comes())
    words = describe(parse(case.text))
    assert words.isprintable()
    assert words == " ".join(words.split())
    assert "%" not in words
