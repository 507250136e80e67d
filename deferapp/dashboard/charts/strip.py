"""A schedule's day: what has fired, how it went, what comes, and where now is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deferapp.dashboard.charts import svg
from deferapp.dashboard.charts.axes import Tick

HEIGHT: Final = 24.0
_CLEAR: Final = 0.08
"""How far words are from that for now."""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A due moment, or several that are too near to each other to be told apart."""

    place: float
    """From the beginning of the strip, 0, to its end, 1."""
    kind: str
    """A class of the style sheet: a state, "missed" or "coming"."""
    sign: str
    title: str
    url: str | None = None


def strip(dots: Sequence[Dot], now: float, hours: Sequence[float], *, title: str) -> SafeString:
    """Thin lines at the hours, a strong one at now."""
    lines = [svg.line("grid", hour, 4, hour, HEIGHT - 4) for hour in hours]
    shapes = [svg.line("foot", 0, HEIGHT / 2, 1, HEIGHT / 2), *lines, *(_dot(dot) for dot in dots)]
    role = "group" if any(dot.url for dot in dots) else "img"
    return svg.image("strip", HEIGHT, title, *shapes, svg.line("now", now, 0, now, HEIGHT), role=role)


def hours(ticks: Sequence[Tick], now: float, words: str) -> SafeString:
    """The hours below strips, and the word for now; said of each dot as well, so not to those who hear the page."""
    return format_html(
        '<svg class="deferapp-chart deferapp-hours" aria-hidden="true" width="100%" height="18">{}{}</svg>',
        svg.joined(svg.text("tick", tick.place, 13, tick.label) for tick in ticks if abs(tick.place - now) > _CLEAR),
        svg.text("tick deferapp-tick-now", now, 13, words),
    )


def _dot(dot: Dot) -> SafeString:
    sign = svg.text(f"dot deferapp-{dot.kind}", dot.place, HEIGHT / 2 + 4.5, dot.sign, is_word=False)
    return svg.group(dot.title, sign) if dot.url is None else svg.link(dot.url, dot.title, sign)
