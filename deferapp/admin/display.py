"""How single things look on all pages: states, moments, spans of time, ids, and text that came from elsewhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from deferapp.executions.states import State
from deferapp.visible import visible as visible

NOTHING: Final = "–"
_KNOWN: Final = 1_000
"""Names and badges that are kept as HTML: a page has the same ones again and again."""

STATE_SIGNS: Final[dict[str, str]] = {
    State.CREATED: "○",
    State.STARTED: "⟳",
    State.SUCCEEDED: "✓",
    State.FAILED: "✕",
    State.CANCELLED: "⊘",
    State.ABORTING: "◐",
    State.ABORTED: "■",
    State.DISCARDED: "∅",
}


def badge(kind: str, sign: str, text: object) -> SafeString:
    """A word with a sign and a colour. `kind` is a class of the style sheet: a state, or another one there."""
    return _badge(kind, sign, str(text))


@lru_cache(maxsize=_KNOWN)
def _badge(kind: str, sign: str, text: str) -> SafeString:
    return format_html(
        '<span class="deferapp-badge deferapp-{}"><span aria-hidden="true">{}</span> {}</span>', kind, sign, text
    )


@lru_cache(maxsize=_KNOWN)
def function_name(name: str) -> SafeString:
    """A function's dotted name, which may break after its dots and underscores."""
    parts = [part for part in re.split(r"(?<=[._])", visible(name)) if part]
    return format_html(
        '<span class="deferapp-name">{}</span>', format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in parts))
    )


@lru_cache(maxsize=_KNOWN)
def short_function_name(name: str) -> SafeString:
    """The last part of a function's dotted name, and the rest on a line below it."""
    package, _dot, last = name.rpartition(".")
    return format_html('{}<br><span class="deferapp-quiet">{}</span>', function_name(last), visible(package))


def state_badge(state: str) -> SafeString:
    label = State(state).label if state in State.values else visible(state)
    return badge(state if state in State.values else "unknown", STATE_SIGNS.get(state, "?"), label)


def short_id(execution_id: UUID) -> str:
    """The end of an id: what comes first is the time, the same for all that were enqueued together."""
    return f"…{execution_id.hex[-8:]}"


def local(moment: datetime) -> datetime:
    """The moment in the viewer's time zone, with `USE_TZ` off too."""
    return moment.astimezone(timezone.get_current_timezone())


def moment(value: datetime | None, *, with_zone: bool = False) -> SafeString | str:
    """A moment in the viewer's time zone, to the second; UTC and milliseconds in its tooltip."""
    if value is None:
        return NOTHING
    there = local(value)
    text = f"{there:%Y-%m-%d %H:%M:%S %Z}" if with_zone else f"{there:%Y-%m-%d %H:%M:%S}"
    return _time(value, f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC", text)


def minute(value: datetime | None) -> SafeString | str:
    """A moment of a schedule: in UTC, and in the viewer's time zone where that is another."""
    if value is None:
        return NOTHING
    in_utc, there = value.astimezone(UTC), local(value)
    text = f"{in_utc:%Y-%m-%d %H:%M} UTC"
    if there.utcoffset() == timedelta():
        return _time(value, text, text)
    same_day = there.date() == in_utc.date()
    also = f"{there:%H:%M %Z}" if same_day else f"{there:%Y-%m-%d %H:%M %Z}"
    return format_html('{}<br><span class="deferapp-quiet">{}</span>', _time(value, text, text), also)


def _time(value: datetime, title: str, text: str) -> SafeString:
    return format_html(
        '<time class="deferapp-time" datetime="{}" title="{}">{}</time>',
        value.astimezone(UTC).isoformat(timespec="milliseconds"),
        title,
        text,
    )


def number(value: int) -> str:
    """A count, in groups of three digits as the reader's language writes them."""
    return number_format(value, force_grouping=True)


def span(value: timedelta) -> str:
    """A length of time in its two largest units: 230 ms, 1.9 s, 2 min 5 s, 3 h 4 min, 5 d 6 h."""
    seconds = max(value.total_seconds(), 0)
    if seconds < 1:
        return _("%(count)s ms") % {"count": int(seconds * 1000)}
    if seconds < 10:
        return _("%(count)s s") % {"count": number_format(int(seconds * 10) / 10, 1)}
    if seconds < 60:
        return _("%(count)s s") % {"count": int(seconds)}
    minutes, hours = divmod(int(seconds), 60), divmod(int(seconds) // 60, 60)
    if seconds < 3600:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes[0], "seconds": minutes[1]}
    if seconds < 86400:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours[0], "minutes": hours[1]}
    days = divmod(hours[0], 24)
    return _("%(days)s d %(hours)s h") % {"days": days[0], "hours": days[1]}


def ago(value: timedelta) -> str:
    return _("%(time)s ago") % {"time": span(value)}


def ahead(value: timedelta) -> str:
    return _("in %(time)s") % {"time": span(value)}
