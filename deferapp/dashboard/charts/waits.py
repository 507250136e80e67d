"""How long executions waited, from the median to p95, a step of time each: is it the queue, or the code?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deferapp.dashboard.charts import axes, svg
from deferapp.dashboard.charts.axes import Axis
from deferapp.dashboard.charts.bars import GAP, LEAST

HEIGHT: Final = 56.0
TOP: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class Wait:
    """The waits of one step."""

    title: str
    median: timedelta
    p95: timedelta


def waits(steps: Sequence[Wait | None], axis: Axis, *, title: str) -> SafeString:
    """Below the bars and as wide; None is a step in which nothing began."""
    width = 1 / max(len(steps), 1)
    columns = [_column(step, index * width, width, axis) for index, step in enumerate(steps) if step is not None]
    plot = svg.image("waits", TOP + HEIGHT + 2, title, *axes.grid(axis, TOP, HEIGHT), *columns)
    return format_html('<div class="deferapp-plot">{}{}</div>', axes.side(axis, TOP, HEIGHT, TOP + HEIGHT + 2), plot)


def _column(step: Wait, x: float, width: float, axis: Axis) -> SafeString:
    low, high = (axis.place(value.total_seconds()) * HEIGHT for value in (step.median, step.p95))
    height = max(high - low, LEAST)
    y = TOP + HEIGHT - low - height
    left, wide = x + width * GAP / 2, width * (1 - GAP)
    shapes = [
        svg.rect("hit", x, TOP, width, HEIGHT),
        svg.rect("fill-wait", left, y, wide, height),
        svg.rect("fill-median", left, y + height - LEAST, wide, LEAST),
    ]
    return svg.group(step.title, *shapes)
