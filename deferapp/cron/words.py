"""A frequency in words, in the language that is active in Django.

Written here because the libraries for it do not serve: cron-descriptor tells of two day fields as if both had
to match and leaves out that `0 9-17 * * *` is hourly, and cronsim explains in English only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deferapp.cron.expression import Days, Expression
from deferapp.cron.fields import DAY_OF_MONTH, DAY_OF_WEEK, HOUR, MINUTE, MONTH, runs

_MOST_TIMES: Final = 4
"""Up to so many times of day are named one by one."""


def describe(expression: Expression) -> str:
    """When the expression comes, as in "at 08:00 on Monday". The times are UTC, which it does not say."""
    text = _on_days(_time(expression), _days(expression))
    months = _months(expression)
    if not months:
        return text
    # With a comma the months belong to both kinds of days.
    both = _("%(text)s, %(months)s") if expression.days.either else _("%(text)s %(months)s")
    return both % {"text": text, "months": months}


def _on_days(time: str, days: str) -> str:
    """Which of the two comes first is the language's affair, here as in the sentences below."""
    return _("%(time)s %(days)s") % {"time": time, "days": days} if days else time


def _time(expression: Expression) -> str:
    if _names_times(expression):
        return _("at %(times)s") % {"times": _joined(_times(expression))}
    if expression.minute == (0,) and expression.hour == HOUR.every:
        return _("every hour")
    step = HOUR.step(expression.hour)
    if expression.minute == (0,) and step:
        return ngettext("every %(step)s hour", "every %(step)s hours", step) % {"step": step}
    pace = _pace(expression.minute)
    if not pace:
        hours = {"minutes": _minutes(expression.minute), "hours": _past_hours(expression.hour)}
        return _("%(minutes)s %(hours)s") % hours
    if expression.hour == HOUR.every:
        return pace
    return _("%(pace)s %(hours)s") % {"pace": pace, "hours": _during_hours(expression.hour)}


def _names_times(expression: Expression) -> bool:
    return len(expression.minute) * len(expression.hour) <= _MOST_TIMES


def _times(expression: Expression) -> list[str]:
    return [f"{hour:02}:{minute:02}" for hour in expression.hour for minute in expression.minute]


def _pace(minutes: tuple[int, ...]) -> str:
    if minutes == MINUTE.every:
        return _("every minute")
    step = MINUTE.step(minutes)
    return ngettext("every %(step)s minute", "every %(step)s minutes", step) % {"step": step} if step else ""


def _minutes(minutes: tuple[int, ...]) -> str:
    text = ngettext("at minute %(minutes)s", "at minutes %(minutes)s", len(minutes))
    return text % {"minutes": _listed(minutes)}


def _past_hours(hours: tuple[int, ...]) -> str:
    if hours == HOUR.every:
        return _("past every hour")
    return ngettext("past hour %(hours)s", "past hours %(hours)s", len(hours)) % {"hours": _listed(hours)}


def _during_hours(hours: tuple[int, ...]) -> str:
    span = _("from %(first)s to %(last)s")
    return _joined(
        span % {"first": f"{first:02}:00", "last": f"{last:02}:59"} for first, last in runs(hours, shortest=2)
    )


def _days(expression: Expression) -> str:
    days = expression.days
    dates, weekdays = _dates(days), _weekdays(days)
    if dates and weekdays:
        text = _("%(dates)s or %(weekdays)s") if days.either else _("%(weekdays)s, but only %(dates)s")
        return text % {"dates": dates, "weekdays": weekdays}
    every_day = _("every day") if _names_times(expression) else ""
    return dates or weekdays or every_day


def _dates(days: Days) -> str:
    if days.of_month == DAY_OF_MONTH.every:
        return ""
    text = ngettext("on day %(days)s of the month", "on days %(days)s of the month", len(days.of_month))
    return text % {"days": _listed(days.of_month)}


def _weekdays(days: Days) -> str:
    if days.of_week == DAY_OF_WEEK.every:
        return ""
    # Django counts from Monday, and so do people who speak of Saturday and Sunday.
    numbers = sorted((day - 1) % 7 for day in days.of_week)
    text = ngettext("on %(weekdays)s", "on %(weekdays)s", len(numbers))
    return text % {"weekdays": _listed(numbers, lambda day: str(WEEKDAYS[day]))}


def _months(expression: Expression) -> str:
    if expression.month == MONTH.every:
        return ""
    text = ngettext("in %(months)s", "in %(months)s", len(expression.month))
    return text % {"months": _listed(expression.month, lambda month: str(MONTHS[month]))}


def _listed(values: Iterable[int], name: Callable[[int], str] = str) -> str:
    to = _("%(first)s to %(last)s")
    return _joined(
        name(first) if first == last else to % {"first": name(first), "last": name(last)}
        for first, last in runs(values)
    )


def _joined(items: Iterable[str]) -> str:
    return get_text_list(list(items), _("and"))
