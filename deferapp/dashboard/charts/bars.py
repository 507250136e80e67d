"""Stacked bars: how many ended each way in each step of time, with the moments of deployments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deferapp.dashboard.charts import axes, svg
from deferapp.dashboard.charts.axes import Axis, Tick

HEIGHT: Final = 168.0
TOP: Final = 12.0
BELOW: Final = 24.0
LEAST: Final = 2.0
"""Pixels: what happened once among thousands is seen."""
GAP: Final = 0.2
"""Share of a step that stays free between two bars."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One step of time."""

    title: str
    """What a person reads who points at it."""
    parts: tuple[tuple[str, int], ...]
    """From the foot up: the class of a colour, and how many."""
    url: str | None = None

    @property
    def whole(self) -> int:
        return sum(count for _kind, count in self.parts)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment worth seeing, such as a deployment."""

    place: float
    """From the beginning of the time, 0, to its end, 1."""
    title: str


def bars(
    steps: Sequence[Bar], axis: Axis, ticks: Sequence[Tick], *, title: str, marks: Sequence[Mark] = ()
) -> SafeString:
    """The chart with its axes. Each step that has a URL is a link; keyboards reach these by the table beside."""
    columns = [_column(step, index / len(steps), 1 / len(steps), axis) for index, step in enumerate(steps)]
    plot = svg.image(
        "bars",
        TOP + HEIGHT + BELOW,
        title,
        *axes.grid(axis, TOP, HEIGHT),
        *columns,
        *(_mark(mark) for mark in marks),
        *axes.below(ticks, TOP + HEIGHT + 17),
        role="group" if any(step.url for step in steps) else "img",
    )
    return format_html(
        '<div class="deferapp-plot">{}{}</div>', axes.side(axis, TOP, HEIGHT, TOP + HEIGHT + BELOW), plot
    )


def _column(step: Bar, x: float, width: float, axis: Axis) -> SafeString:
    inside = [svg.rect("hit", x, TOP, width, HEIGHT), *_stack(step, x + width * GAP / 2, width * (1 - GAP), axis)]
    return svg.group(step.title, *inside) if step.url is None else svg.link(step.url, step.title, *inside)


def _stack(step: Bar, x: float, width: float, axis: Axis) -> list[SafeString]:
    shapes, foot = [], TOP + HEIGHT
    for kind, count in step.parts:
        if count:
            height = max(axis.place(count) * HEIGHT, LEAST)
            foot -= height
            shapes.append(svg.rect(f"fill-{kind}", x, foot, width, height))
    return shapes


def _mark(mark: Mark) -> SafeString:
    arrow = svg.text("mark", mark.place, TOP + HEIGHT + 9, "▲")
    return svg.group(mark.title, svg.line("mark-line", mark.place, 0, mark.place, TOP + HEIGHT), arrow)
