"""What is declared of a function, in words: how it is retried, limited, stopped and scheduled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deferapp.cron import describe, parse
from deferapp.dashboard.viewer import Viewer
from deferapp.dashboard.words import exact
from deferapp.exceptions import InvalidFrequency
from deferapp.functions.config import Config, RetryPolicy
from deferapp.functions.function import ScheduledFunction
from deferapp.functions.registry import AnyFunction
from deferapp.health.scene import Scene
from deferapp.models import Schedule
from deferapp.visible import visible


def settings(function: AnyFunction, schedule: Schedule | None, viewer: Viewer) -> Iterator[dict[str, Any]]:
    """Names and values, with a link where one leads further."""
    if isinstance(function, ScheduledFunction):
        yield _schedule(function, schedule, viewer)
    yield {"name": _("queue"), "value": visible(Scene().queue_of(function.name))}
    yield {"name": _("retry"), "value": retry_words(function.config.retry_policy)}
    yield {"name": _("concurrency"), "value": concurrency_words(function.config)}
    yield {"name": _("longest attempt"), "value": exact(function.config.longest)}
    if function.config.retry_on:
        yield {"name": _("retried"), "value": _error_names(function.config.retry_on)}
    if function.config.give_up_on:
        yield {"name": _("not retried"), "value": _error_names(function.config.give_up_on)}
    if function.config.on_failure is not None:
        name = function.config.on_failure.name
        yield {"name": _("on failure"), "value": visible(name), "url": viewer.function(name)}
    yield {"name": _("body"), "value": _("async") if function.is_async else _("sync")}
    yield {"name": _("declared in"), "value": visible(_place(function))}


def retry_words(policy: RetryPolicy) -> str:
    if not policy.max_attempts:
        return _("none")
    times = ngettext("%(count)s retry", "%(count)s retries", policy.max_attempts) % {"count": policy.max_attempts}
    return _("%(times)s, after %(first)s and then %(factor)s× as long each, up to %(most)s") % {
        "times": times,
        "first": exact(timedelta(seconds=policy.initial_interval)),
        "factor": number_format(f"{policy.multiplier:g}"),
        "most": exact(timedelta(seconds=policy.max_interval)),
    }


def concurrency_words(config: Config) -> str:
    if config.concurrency is None:
        return _("no limit")
    words = str(config.concurrency)
    if config.concurrency_key is not None:
        key = config.concurrency_key if isinstance(config.concurrency_key, str) else _("key")
        words = _("%(count)s for each %(key)s") % {"count": words, "key": visible(key)}
    return words if config.max_concurrency_action == "keep" else _("%(words)s; others are cancelled") % {"words": words}


def _schedule(function: ScheduledFunction[..., Any], schedule: Schedule | None, viewer: Viewer) -> dict[str, Any]:
    frequency = schedule.frequency if schedule else str(function.frequency)
    try:
        words = describe(parse(frequency))
    except InvalidFrequency:
        words = _("no frequency that can be read")
    value = f"{words} ({visible(frequency)} UTC)"
    if schedule and schedule.is_paused:
        value = _("%(schedule)s, paused") % {"schedule": value}
    return {"name": _("schedule"), "value": value, "url": viewer.schedule(schedule.pk) if schedule else None}


def _place(function: AnyFunction) -> str:
    """File and line, from the package on: where the project lies is nobody's business."""
    folders = function.func.__module__.count(".") + 1
    return "/".join(function.place.replace("\\", "/").split("/")[-folders:])


def _error_names(kinds: Any) -> str:
    return ", ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
