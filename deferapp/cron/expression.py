"""Cron expressions: text in, an `Expression` out, or an `InvalidFrequency` that says what to write instead.

The parser is our own because the libraries at hand let through what cron does not know (control characters as
separators, digits of other scripts, long names, dates that never come) and say little about what they refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from deferapp.cron.fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    FIELDS,
    HOUR,
    MINUTE,
    MONTH,
    Field,
    FieldProblem,
    listed,
)
from deferapp.exceptions import InvalidFrequency
from deferapp.wording import Worded
from deferapp.wording import gettext_noop as _

LONGEST_TEXT: Final = 200
"""Characters; more than any schedule that a person can read."""

_EXAMPLE: Final = Worded(_("'0 8 * * 1' (08:00 UTC on Mondays)"))
_MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTH_LENGTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""January to December at their longest."""


@dataclass(frozen=True, kw_only=True)
class Days:
    """What the two day fields mean together, without the days that none of the months has."""

    of_month: tuple[int, ...]
    of_week: tuple[int, ...]
    # True: either field may match, and neither holds every day. False: both must.
    either: bool


@dataclass(frozen=True, kw_only=True)
class Expression:
    """A cron expression that comes at some time; its fields hold sorted numbers."""

    # As written, with single spaces.
    text: str
    minute: tuple[int, ...]
    hour: tuple[int, ...]
    day_of_month: tuple[int, ...]
    month: tuple[int, ...]
    # Sunday is 0.
    day_of_week: tuple[int, ...]
    # Whether the field begins with something else than `*`. Where both do, either may match.
    day_of_month_restricted: bool
    day_of_week_restricted: bool

    @cached_property
    def longest_month(self) -> int:
        """How many days the longest of the months can have."""
        return max(_MONTH_LENGTHS[month - 1] for month in self.month)

    @cached_property
    def days(self) -> Days:
        """The two day fields as one rule, the same for every way of writing it."""
        either = self.day_of_month_restricted and self.day_of_week_restricted
        of_month = tuple(day for day in self.day_of_month if day <= self.longest_month)
        every_date = len(of_month) == self.longest_month
        if either and (every_date or self.day_of_week == DAY_OF_WEEK.every):
            return Days(of_month=DAY_OF_MONTH.every, of_week=DAY_OF_WEEK.every, either=False)
        if every_date or not of_month:
            return Days(of_month=DAY_OF_MONTH.every, of_week=self.day_of_week, either=False)
        return Days(of_month=of_month, of_week=self.day_of_week, either=either)

    @cached_property
    def canonical(self) -> str:
        """Five fields that mean the same, in numbers. Expressions with equal ones come at equal times."""
        day_of_month, day_of_week = _day_texts(self.days)
        time = MINUTE.write(self.minute), HOUR.write(self.hour)
        return " ".join((*time, day_of_month, MONTH.write(self.month), day_of_week))


def parse(frequency: object) -> Expression:
    """Read a frequency: five fields or a macro such as `@daily`. Raises `InvalidFrequency`."""
    if not isinstance(frequency, str):
        raise InvalidFrequency(
            _("a frequency is text such as %(example)s, not %(kind)s"), example=_EXAMPLE, kind=type(frequency).__name__
        )
    if len(frequency) > LONGEST_TEXT:
        raise InvalidFrequency(
            _("a frequency has at most %(most)s characters, not %(count)s: %(text)s"),
            most=LONGEST_TEXT,
            count=len(frequency),
            text=_shown(frequency),
        )
    return _parse(frequency)


@lru_cache(maxsize=1024)
def _parse(frequency: str) -> Expression:
    for character in frequency:
        if not (" " <= character <= "~" or character == "\t"):
            raise InvalidFrequency(
                _("a frequency is plain ASCII on one line, without %(character)s as in %(text)s"),
                character=ascii(character),
                text=_shown(frequency),
            )
    text = " ".join(frequency.split())
    parts = _fields_of(text)
    values = [_read(field, part, text) for field, part in zip(FIELDS, parts, strict=True)]
    expression = Expression(
        text=text,
        minute=values[0],
        hour=values[1],
        day_of_month=values[2],
        month=values[3],
        day_of_week=values[4],
        day_of_month_restricted=not parts[2].startswith("*"),
        day_of_week_restricted=not parts[4].startswith("*"),
    )
    _refuse_never(expression)
    return expression


def _fields_of(text: str) -> list[str]:
    if text.startswith("@") and text not in _MACROS:
        raise InvalidFrequency(
            _("unknown macro %(text)s: use one of %(macros)s, and nothing after it"),
            text=_shown(text),
            macros=", ".join(_MACROS),
        )
    parts = _MACROS.get(text, text).split()
    if not parts:
        raise InvalidFrequency(_("a frequency is empty: use five fields such as %(example)s"), example=_EXAMPLE)
    if len(parts) != len(FIELDS):
        names = " ".join(field.name for field in FIELDS)
        raise InvalidFrequency(
            _("a frequency has %(fields)s fields (%(names)s), not %(count)s as in %(text)s"),
            fields=len(FIELDS),
            names=names,
            count=len(parts),
            text=_shown(text),
        )
    return parts


def _read(field: Field, part: str, text: str) -> tuple[int, ...]:
    try:
        return field.read(part)
    except FieldProblem as problem:
        raise InvalidFrequency(
            _("%(field)s: %(problem)s in %(text)s"), field=field.name, problem=problem, text=_shown(text)
        ) from None


def _refuse_never(expression: Expression) -> None:
    """The day fields name dates of which none exists. (Every other pair comes: Feb 29 meets each weekday.)"""
    if expression.day_of_month_restricted and expression.day_of_week_restricted:
        return
    if min(expression.day_of_month) > expression.longest_month:
        days, months = listed(expression.day_of_month), listed(expression.month)
        raise InvalidFrequency(
            _("day-of-month: %(days)s never comes in month %(months)s, which ends by %(last)s, in %(text)s"),
            days=days,
            months=months,
            last=expression.longest_month,
            text=_shown(expression.text),
        )


def _day_texts(days: Days) -> tuple[str, str]:
    """Both fields, beginning with `*` where both must match, and without it where either may."""
    if days.either:
        return listed(days.of_month), listed(days.of_week)
    texts = DAY_OF_MONTH.write(days.of_month), DAY_OF_WEEK.write(days.of_week)
    if any(text.startswith("*") for text in texts):
        return texts
    # Both must match although neither is `*`: one began with `*/n` then, so it holds its field's first value.
    if DAY_OF_MONTH.first in days.of_month:
        return DAY_OF_MONTH.write_starred(days.of_month), texts[1]
    return texts[0], DAY_OF_WEEK.write_starred(days.of_week)


def _shown(text: str) -> str:
    """Harmless in any log and on any terminal: ASCII, quoted, not long."""
    shown = ascii(text[:LONGEST_TEXT])
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
