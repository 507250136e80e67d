"""Charts as SVG: pure functions from numbers to markup, without a script, a style or a font of their own.

Lengths that follow the width of the page are percentages, so that words keep their size on a phone. Colours are
classes of the style sheet. Each chart is an image with a name that says what it shows; where single numbers matter, the
page has them beside it as text.
"""

from deferapp.dashboard.charts.axes import Axis, Tick, count_ticks, duration_ticks
from deferapp.dashboard.charts.bars import Bar, Mark, bars
from deferapp.dashboard.charts.box import LogScale, Spread, box
from deferapp.dashboard.charts.heat import Heat, heat
from deferapp.dashboard.charts.histogram import Column, histogram
from deferapp.dashboard.charts.share import share
from deferapp.dashboard.charts.sparks import spark_bars, spark_line
from deferapp.dashboard.charts.strip import Dot, hours, strip
from deferapp.dashboard.charts.waits import Wait, waits

__all__ = [
    "Axis",
    "Bar",
    "Column",
    "Dot",
    "Heat",
    "LogScale",
    "Mark",
    "Spread",
    "Tick",
    "Wait",
    "bars",
    "box",
    "count_ticks",
    "duration_ticks",
    "heat",
    "histogram",
    "hours",
    "share",
    "spark_bars",
    "spark_line",
    "strip",
    "waits",
]
