"""How often a function took how long, with its median, p95 and p99."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deferapp.dashboard.charts import axes, svg
from deferapp.dashboard.charts.axes import Axis, Tick
from deferapp.dashboard.charts.bars import LEAST

HEIGHT: Final = 132.0
TOP: Final = 34.0
BELOW: Final = 24.0
_ROW: Final = 13.0


@dataclass(frozen=True, kw_only=True)
class Column:
    """Durations of about one length."""

    title: str
    count: int


def histogram(
    columns: Sequence[Column], axis: Axis, ticks: Sequence[Tick], marks: Sequence[Tick], *, title: str
) -> SafeString:
    """Columns of one width, from the shortest durations to the longest; the marks are lines with a word."""
    width = 1 / max(len(columns), 1)
    shapes = [_column(column, index * width, width, axis) for index, column in enumerate(columns)]
    plot = svg.image(
        "histogram",
        TOP + HEIGHT + BELOW,
        title,
        *axes.grid(axis, TOP, HEIGHT),
        *shapes,
        *(_mark(mark, index) for index, mark in enumerate(marks)),
        *axes.below(ticks, TOP + HEIGHT + 17),
    )
    return format_html(
        '<div class="deferapp-plot">{}{}</div>', axes.side(axis, TOP, HEIGHT, TOP + HEIGHT + BELOW), plot
    )


def _column(column: Column, x: float, width: float, axis: Axis) -> SafeString:
    height = max(axis.place(column.count) * HEIGHT, LEAST) if column.count else 0.0
    shapes = [svg.rect("hit", x, TOP, width, HEIGHT)]
    if column.count:
        shapes.append(svg.rect("fill-plain", x + width * 0.06, TOP + HEIGHT - height, width * 0.88, height))
    return svg.group(column.title, *shapes)


def _mark(mark: Tick, index: int) -> SafeString:
    """Words of neighbours stand in rows of their own, so that none lies on another."""
    y = 10 + _ROW * (index % 2)
    return svg.joined(
        [
            svg.line("mark-line", mark.place, y + 3, mark.place, TOP + HEIGHT),
            svg.text("mark", mark.place, y, mark.label),
        ]
    )
