"""Times on the pages: the control of the range, the words below a chart, and a step as words of a search."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deferapp.admin.display import local
from deferapp.dashboard.charts import Tick
from deferapp.tallies.read import RANGES, Range

NAMES: Final = {
    "1h": (gettext_lazy("1 hour"), gettext_lazy("1 h")),
    "24h": (gettext_lazy("24 hours"), gettext_lazy("24 h")),
    "7d": (gettext_lazy("7 days"), gettext_lazy("7 d")),
    "30d": (gettext_lazy("30 days"), gettext_lazy("30 d")),
}
"""In full, and short."""
_DAY: Final = timedelta(days=1)


def choices(range: Range, parameters: str = "") -> list[dict[str, Any]]:
    """The control of the range. `parameters` are further ones of the address, which links keep."""
    return [
        {
            "name": NAMES[key][0],
            "short": NAMES[key][1],
            "url": f"?range={key}{parameters}",
            "is_current": key == range.key,
        }
        for key in RANGES
    ]


def ticks(range: Range) -> list[Tick]:
    """The words below a chart, in the viewer's time zone; about six, of which half are left out on a phone."""
    steps = range.steps()
    chosen = [index for index, step in enumerate(steps) if _is_round(local(step), range, index)]
    return [
        Tick(place=index / len(steps), label=label(steps[index], range), is_minor=number % 2 == 1)
        for number, index in enumerate(chosen)
    ]


def _is_round(there: datetime, range: Range, index: int) -> bool:
    if range.key == "1h":
        return there.minute % 10 == 0
    if range.key == "24h":
        return there.hour % 4 == 0
    if range.key == "7d":
        return there.hour < range.step // timedelta(hours=1)
    return index % 5 == 2


def label(moment: datetime, range: Range) -> str:
    """A moment as it stands below a chart."""
    there = local(moment)
    if range.key == "30d":
        return date_format(there, "j M")
    return date_format(there, "D j") if range.key == "7d" else date_format(there, "H:i")


def step_name(begins_at: datetime, range: Range) -> str:
    """A step of a chart in full: "Sat 22 Nov 14:00–15:00"."""
    begins, ends = local(begins_at), local(begins_at + range.step)
    if range.step >= _DAY:
        return date_format(begins, "D j M")
    return _("%(day)s %(begin)s–%(end)s") % {
        "day": date_format(begins, "D j M"),
        "begin": date_format(begins, "H:i"),
        "end": date_format(ends, "H:i"),
    }


def words(begins_at: datetime, ends_at: datetime | None = None) -> list[str]:
    """A time as words of a search."""
    until = [f"until:{_utc(ends_at)}"] if ends_at else []
    return [f"since:{_utc(begins_at)}", *until]


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"
