"""Charts of a word's size: how a number went, beside the number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deferapp.dashboard.charts import svg

HEIGHT: Final = 24.0
_WIDTH: Final = 100.0


def spark_bars(counts: Sequence[int], bad: Sequence[int] = (), *, title: str) -> SafeString:
    """A bar a step; `bad` is how many of each were failures, at the foot."""
    largest, width = max(counts, default=0), _WIDTH / max(len(counts), 1)
    plain, red, wide = [], [], svg.number(width * 0.8)
    for index, count in enumerate(counts):
        if not count:
            continue
        failed = min(bad[index], count) if index < len(bad) else 0
        tall, foot = _height(count, largest), _height(failed, largest)
        left = svg.number((index + 0.1) * width)
        if count > failed:
            plain.append(_bar(left, HEIGHT - foot, wide, tall - foot))
        if failed:
            red.append(_bar(left, HEIGHT, wide, foot))
    return _spark(title, [_path("fill-plain", plain), _path("fill-failed", red)])


def spark_line(values: Sequence[float | None], *, title: str, lowest: float = 0.0) -> SafeString:
    """A line with its area; where a value is None there is a gap."""
    largest = max((value for value in values if value is not None), default=0.0)
    reach = (largest - lowest) or 1.0
    step = _WIDTH / max(len(values) - 1, 1)
    points = [
        None if value is None else (index * step, HEIGHT - 2 - (value - lowest) / reach * (HEIGHT - 4))
        for index, value in enumerate(values)
    ]
    return _spark(title, [shape for run in _runs(points) for shape in _line(run)])


def _height(count: int, largest: int) -> float:
    return max(count / largest * HEIGHT, 1.5) if count else 0.0


def _bar(left: str, foot: float, wide: str, height: float) -> str:
    """As a part of a path: a page has thousands."""
    tall = svg.number(max(height, 0.5))
    return f"M{left} {svg.number(foot)}v-{tall}h{wide}v{tall}z"


def _path(kind: str, bars: Sequence[str]) -> SafeString:
    return SafeString(f'<path class="deferapp-{kind}" d="{"".join(bars)}"/>' if bars else "")


def _runs(points: Iterable[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The points between gaps; one that stands alone becomes a dash."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run if len(run) > 1 else [run[0], (run[0][0] + 1.5, run[0][1])] for run in runs if run]


def _line(run: Sequence[tuple[float, float]]) -> list[SafeString]:
    path = " ".join(f"{svg.number(x)},{svg.number(y)}" for x, y in run)
    first, last, foot = (svg.number(each) for each in (run[0][0], run[-1][0], HEIGHT))
    return [
        SafeString(f'<polygon class="deferapp-area" points="{first},{foot} {path} {last},{foot}"/>'),
        SafeString(f'<polyline class="deferapp-line" vector-effect="non-scaling-stroke" points="{path}"/>'),
    ]


def _spark(title: str, shapes: Iterable[SafeString]) -> SafeString:
    return format_html(
        '<svg class="deferapp-spark" role="img" viewBox="0 0 100 24" preserveAspectRatio="none" width="100" '
        'height="24"><title>{}</title>{}</svg>',
        title,
        svg.joined(shapes),
    )
