"""How a function's durations spread: |—▓▓—| from p5 to p95, on a scale that rows of a table share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deferapp.dashboard.charts import svg

HEIGHT: Final = 16.0
_LEAST_SECONDS: Final = 0.001


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Percentiles of durations."""

    p5: timedelta
    p25: timedelta
    p50: timedelta
    p75: timedelta
    p95: timedelta


@dataclass(frozen=True, kw_only=True)
class LogScale:
    """From the shortest to the longest, each tenfold as wide as the one before: 5 ms and 5 min on one line."""

    low: timedelta
    high: timedelta

    def place(self, value: timedelta) -> float:
        low, high, here = (_log(each) for each in (self.low, self.high, value))
        return min(max((here - low) / (high - low), 0.0), 1.0) if high > low else 0.5


def box(spread: Spread, scale: LogScale, *, title: str) -> SafeString:
    """The box is from p25 to p75, its line the median."""
    values = (spread.p5, spread.p25, spread.p50, spread.p75, spread.p95)
    p5, p25, p50, p75, p95 = (0.02 + 0.96 * scale.place(value) for value in values)
    middle = HEIGHT / 2
    shapes = [
        svg.line("whisker", p5, middle, p95, middle),
        svg.line("whisker", p5, 4, p5, HEIGHT - 4),
        svg.line("whisker", p95, 4, p95, HEIGHT - 4),
        svg.rect("fill-box", p25, 3, max(p75 - p25, 0.015), HEIGHT - 6),
        svg.line("median", p50, 1, p50, HEIGHT - 1),
    ]
    return format_html(
        '<svg class="deferapp-box" role="img" width="110" height="16"><title>{}</title>{}</svg>',
        title,
        svg.joined(shapes),
    )


def _log(value: timedelta) -> float:
    return math.log10(max(value.total_seconds(), _LEAST_SECONDS))
