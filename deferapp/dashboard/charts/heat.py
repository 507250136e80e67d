"""Time × duration: whether all became slower, or some did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deferapp.dashboard.charts import axes, svg
from deferapp.dashboard.charts.axes import Axis, Tick

ROW: Final = 14.0
BELOW: Final = 24.0
SHADES: Final = 5
"""Classes of the style sheet, from few to many."""


@dataclass(frozen=True, kw_only=True)
class Heat:
    """A step of time and a range of durations in which something ended."""

    column: int
    row: int
    """The shortest durations have 0, at the foot."""
    count: int
    title: str


def heat(cells: Sequence[Heat], columns: int, rows: Sequence[str], ticks: Sequence[Tick], *, title: str) -> SafeString:
    """`rows` names the lower end of each range of durations, from the shortest."""
    height, largest = ROW * len(rows), max((cell.count for cell in cells), default=1)
    shapes = [_cell(cell, columns, height, largest) for cell in cells]
    foot = svg.line("foot", 0, height, 1, height)
    plot = svg.image("heat", height + BELOW, title, foot, *shapes, *axes.below(ticks, height + 17))
    labels = tuple(Tick(place=(index + 0.5) / len(rows), label=label) for index, label in enumerate(rows))
    side = axes.side(Axis(end=1, ticks=labels), 0, height, height + BELOW)
    return format_html('<div class="deferapp-plot">{}{}</div>', side, plot)


def shade(count: int, largest: int) -> int:
    """1 to `SHADES`, by the logarithm: a few slow ones among thousands are seen."""
    return 1 + round((SHADES - 1) * math.log1p(count) / math.log1p(max(largest, count, 1)))


def _cell(cell: Heat, columns: int, height: float, largest: int) -> SafeString:
    width = 1 / max(columns, 1)
    y = height - ROW * (cell.row + 1)
    kind = f"heat-{shade(cell.count, largest)}"
    return svg.rect(kind, cell.column * width, y + 0.5, width * 0.96, ROW - 1, cell.title)
