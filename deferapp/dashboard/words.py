"""Lengths of time where there is little room: the largest unit alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _

from deferapp.admin.display import span

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_SECOND: Final = timedelta(seconds=1)


def brief(value: timedelta) -> str:
    """Rounded down: 1 d, 23 h, 59 min, 12 s; below a second 0 s."""
    if value >= _DAY:
        return _("%(count)s d") % {"count": value // _DAY}
    if value >= _HOUR:
        return _("%(count)s h") % {"count": value // _HOUR}
    if value >= _MINUTE:
        return _("%(count)s min") % {"count": value // _MINUTE}
    return _("%(count)s s") % {"count": max(value // _SECOND, 0)}


def since(value: timedelta) -> str:
    """How long ago something was."""
    return _("just now") if value < timedelta(seconds=1) else _("%(time)s ago") % {"time": brief(value)}


def until(value: timedelta) -> str:
    """In how long something will be."""
    return _("now") if value < timedelta(seconds=1) else _("in %(time)s") % {"time": brief(value)}


def exact(value: timedelta) -> str:
    """As `span`, but without "0 s" behind whole minutes."""
    largest = next((unit for unit in (_DAY, _HOUR, _MINUTE) if value >= unit), _SECOND)
    return brief(value) if value and not value % largest else span(value)
