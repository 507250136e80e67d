"""The last 90 days of a schedule, day by day in UTC: a table of weeks, with a sign and words for each day.

Honest limit: it reads due moments, up to `MOST`; of a schedule that is due each minute these are the last two days.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.utils.dates import MONTHS_3, WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from deferapp.admin.schedule_page import outcomes
from deferapp.admin.schedule_page.outcomes import SIGNS
from deferapp.models import DueMoment, Schedule

DAYS: Final = 90
MOST: Final = 3_000
"""Due moments that are read."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Day:
    """A cell."""

    kind: str
    """Its class in the style sheet: the worst outcome, or `none`, or `outside` of the 90 days."""
    sign: str = ""
    text: str = ""
    is_some: bool = False
    """Whether most of the day's due moments had another outcome."""


_OUTSIDE: Final = Day(kind="outside")


def context(schedule: Schedule, moment: datetime) -> dict[str, Any]:
    """What the template shows."""
    today = moment.astimezone(UTC).date()
    first = today - (DAYS - 1) * _DAY
    by_day, is_cut = _by_day(schedule, datetime.combine(first, datetime.min.time(), UTC))
    if is_cut:
        first = min(by_day, default=today)
    total = sum(by_day.values(), Counter[str]())
    return {
        "months": _months(first, today),
        "rows": _rows(by_day, first, today),
        "legend": [
            {"badge": outcomes.shown(each), "count": total[each]} for each in outcomes.WORST_FIRST if total[each]
        ],
        "text": outcomes.in_words(total),
        "cut_at": first if is_cut else None,
        "most": number_format(MOST, force_grouping=True),
    }


def _by_day(schedule: Schedule, begin: datetime) -> tuple[dict[date, Counter[str]], bool]:
    """What became of the due moments of each day; and whether some are left out, which may be of the first day too."""
    rows = DueMoment.objects.filter(schedule=schedule, due_at__gte=begin)
    too_many = rows.order_by("-due_at").values_list("due_at", flat=True)[MOST : MOST + 1].first()
    if too_many is None:
        return outcomes.by_day(rows), False
    return outcomes.by_day(rows.filter(due_at__gte=_next_day(too_many))), True


def _next_day(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date() + _DAY, datetime.min.time(), UTC)


def _weeks(first: date, last: date) -> list[date]:
    """Their Mondays."""
    monday = first - first.weekday() * _DAY
    return [monday + number * 7 * _DAY for number in range((last - monday).days // 7 + 1)]


def _months(first: date, last: date) -> list[dict[str, Any]]:
    """The heads above the weeks: each month over those that begin in it."""
    spans: list[dict[str, Any]] = []
    for monday in _weeks(first, last):
        name = str(MONTHS_3[monday.month]).capitalize()
        if spans and spans[-1]["name"] == name:
            spans[-1]["weeks"] += 1
        else:
            spans.append({"name": name, "weeks": 1})
    return spans


def _rows(by_day: dict[date, Counter[str]], first: date, last: date) -> list[dict[str, Any]]:
    return [
        {
            "name": str(WEEKDAYS[weekday]),
            "short": str(WEEKDAYS_ABBR[weekday]),
            "days": [
                _day(day, by_day.get(day)) if first <= day <= last else _OUTSIDE
                for day in (monday + weekday * _DAY for monday in _weeks(first, last))
            ],
        }
        for weekday in range(7)
    ]


def _day(day: date, counts: Counter[str] | None) -> Day:
    if counts is None:
        return Day(kind="none", text=_("%(day)s: not due") % {"day": day.isoformat()})
    worst = outcomes.worst(counts)
    text = _("%(day)s: %(outcomes)s") % {"day": day.isoformat(), "outcomes": outcomes.in_words(counts)}
    is_some = counts[worst] * 2 < counts.total()
    return Day(kind=outcomes.kind(worst), sign=SIGNS.get(worst, "?"), text=text, is_some=is_some)
