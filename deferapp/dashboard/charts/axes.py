"""Axes: which round numbers are written at them, and where."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deferapp.dashboard.charts import svg

_SECONDS: Final = (
    *(step * scale for scale in (0.001, 0.01, 0.1, 1) for step in (1, 2, 5)),
    *(10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400),
)
"""Steps by which people count time."""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A number at an axis."""

    place: float
    """From its beginning, 0, to its end, 1."""
    label: str
    is_minor: bool = False
    """Left out where there is little room."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis from zero."""

    end: float
    """In what it counts; for times in seconds."""
    ticks: tuple[Tick, ...]

    def place(self, value: float) -> float:
        return min(max(value / self.end, 0.0), 1.0)


def count_ticks(largest: float, words: Callable[[int], str], most: int = 4) -> Axis:
    """An axis for numbers of things up to the largest."""
    step = next(step for step in _round_numbers() if largest / step <= most)
    return _axis(step, largest, lambda value: words(round(value)))


def duration_ticks(largest: timedelta, words: Callable[[timedelta], str], most: int = 3) -> Axis:
    """An axis for lengths of time up to the largest."""
    seconds = largest.total_seconds()
    days = (86400 * step for step in _round_numbers())
    step = next(step for step in itertools.chain(_SECONDS, days) if seconds / step <= most)
    return _axis(step, seconds, lambda value: words(timedelta(seconds=value)))


def _axis(step: float, largest: float, words: Callable[[float], str]) -> Axis:
    steps = max(math.ceil(largest / step - 1e-9), 1)
    ticks = tuple(Tick(place=index / steps, label=words(index * step)) for index in range(1, steps + 1))
    return Axis(end=steps * step, ticks=ticks)


def _round_numbers() -> itertools.chain[int]:
    return itertools.chain.from_iterable((10**power, 2 * 10**power, 5 * 10**power) for power in itertools.count())


def grid(axis: Axis, top: float, height: float) -> list[SafeString]:
    """Lines across the plot, and the foot of the axis."""
    lines = [svg.line("grid", 0, y, 1, y) for y in (top + height * (1 - tick.place) for tick in axis.ticks)]
    return [*lines, svg.line("foot", 0, top + height, 1, top + height)]


def side(axis: Axis, top: float, height: float, whole: float) -> SafeString:
    """The numbers left of a plot; who does not see them has them in the plot's name or table."""
    labels = (
        format_html(
            '<text class="deferapp-tick" x="100%" y="{}" text-anchor="end">{}</text>',
            svg.number(top + height * (1 - tick.place) + 4),
            tick.label,
        )
        for tick in axis.ticks
    )
    return format_html(
        '<svg class="deferapp-side" aria-hidden="true" width="48" height="{}">{}</svg>',
        svg.number(whole),
        svg.joined(labels),
    )


def below(ticks: Sequence[Tick], y: float) -> list[SafeString]:
    """The words below a plot."""
    return [svg.text("tick deferapp-minor" if tick.is_minor else "tick", tick.place, y, tick.label) for tick in ticks]
