"""Charts: pure functions from numbers to SVG."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from datetime import timedelta

import pytest
from django.utils.safestring import SafeString

from deferapp.dashboard import charts
from deferapp.dashboard.charts import Bar, Column, Dot, Heat, LogScale, Mark, Spread, Tick, Wait
from deferapp.dashboard.charts.heat import SHADES, shade

SECOND = timedelta(seconds=1)
HOSTILE = "</title><script>alert(1)</script>\u202e"
AXIS = charts.count_ticks(100, str)


def bar(*counts: int, **fields: str) -> Bar:
    kinds = ("failed", "retried", "cancelled", "succeeded")
    return Bar(title=fields.pop("title", "one o'clock"), parts=tuple(zip(kinds, counts, strict=False)), **fields)


def heights(svg: str, kind: str) -> list[float]:
    return [float(height) for height in re.findall(rf'deferapp-{kind}"[^>]* height="([\d.]+)"', svg)]


def heights_of_bars(svg: str, kind: str) -> list[str]:
    """Of a spark, where all bars are one path."""
    return re.findall(r"v-([\d.]+)", re.findall(rf'deferapp-{kind}" d="([^"]+)"', svg)[0])


def every_chart(words: str) -> list[SafeString]:
    spread = Spread(p5=SECOND, p25=2 * SECOND, p50=3 * SECOND, p75=4 * SECOND, p95=9 * SECOND)
    ticks = [Tick(place=0.5, label=words)]
    axis = charts.count_ticks(10, lambda _value: words)
    return [
        charts.bars(
            [bar(1, title=words, url=f"/?q={words}")], axis, ticks, title=words, marks=[Mark(place=1, title=words)]
        ),
        charts.waits([None, Wait(title=words, median=SECOND, p95=2 * SECOND)], axis, title=words),
        charts.spark_bars([1, 2], [1, 0], title=words),
        charts.spark_line([1, None, 2, 3], title=words),
        charts.box(spread, LogScale(low=SECOND, high=9 * SECOND), title=words),
        charts.share(0.5, title=words),
        charts.histogram([Column(title=words, count=1)], axis, ticks, ticks, title=words),
        charts.heat([Heat(column=0, row=0, count=1, title=words)], 2, [words], ticks, title=words),
        charts.strip([Dot(place=0.1, kind="failed", sign="✕", title=words, url=f"/{words}")], 0.5, [0.2], title=words),
        charts.hours(ticks, 0.2, words),
    ]


def test_every_chart_is_markup_that_can_be_read_and_shows_hostile_words_as_text() -> None:
    for chart in every_chart(HOSTILE):
        root = ElementTree.fromstring(f"<div>{chart}</div>")
        assert "<script" not in chart
        assert not {element.tag for element in root.iter()} & {"script", "style"}
        assert not [
            name for element in root.iter() for name in element.attrib if name == "style" or name.startswith("on")
        ]


def test_every_chart_has_a_name_unless_it_only_repeats_what_others_say() -> None:
    for chart in every_chart("runs over time"):
        svgs = list(ElementTree.fromstring(f"<div>{chart}</div>").iter("svg"))
        named = [
            svg for svg in svgs if svg.get("role") in ("img", "group") and svg.findtext("title") == "runs over time"
        ]
        hidden = [svg for svg in svgs if svg.get("aria-hidden") == "true"]
        assert len(named) + len(hidden) == len(svgs)


@pytest.mark.parametrize(
    ("largest", "labels"),
    [
        (1, ["1"]),
        (3, ["1", "2", "3"]),
        (4, ["1", "2", "3", "4"]),
        (5, ["2", "4", "6"]),
        (1_234, ["500", "1000", "1500"]),
    ],
)
def test_an_axis_of_counts_has_few_round_numbers_and_reaches_beyond_the_largest(
    largest: int, labels: list[str]
) -> None:
    axis = charts.count_ticks(largest, str)
    assert [tick.label for tick in axis.ticks] == labels
    assert axis.ticks[-1].place == 1
    assert axis.end >= largest


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (0.0004, ["0.001"]),
        (0.3, ["0.1", "0.2", "0.3"]),
        (95, ["60.0", "120.0"]),
        (400_000, ["172800.0", "345600.0", "518400.0"]),
    ],
)
def test_an_axis_of_time_has_steps_by_which_people_count_it(seconds: float, labels: list[str]) -> None:
    axis = charts.duration_ticks(seconds * SECOND, lambda value: str(round(value.total_seconds(), 3)))
    assert [tick.label for tick in axis.ticks] == labels


def test_bars_are_stacked_to_scale_and_what_happened_once_is_seen() -> None:
    svg = charts.bars([bar(1, 0, 0, 99)], AXIS, [], title="runs")
    (failed,), (succeeded,) = heights(svg, "fill-failed"), heights(svg, "fill-succeeded")
    assert failed == 2
    assert succeeded == pytest.approx(0.99 * 168, abs=0.1)
    assert heights(svg, "fill-retried") == []


def test_a_bar_leads_to_its_list_and_says_so_to_those_who_do_not_see_it() -> None:
    svg = charts.bars([bar(1, url="/list/?q=since:1h&x=1"), bar(1)], AXIS, [], title="runs")
    assert svg.count("<a ") == 1
    assert 'href="/list/?q=since:1h&amp;x=1" aria-label="one o&#x27;clock"' in svg
    assert 'role="group"' in svg


def test_without_links_bars_are_an_image() -> None:
    assert 'role="img"' in charts.bars([bar(1)], AXIS, [], title="runs")


def test_a_wait_reaches_from_its_median_to_p95() -> None:
    axis = charts.duration_ticks(10 * SECOND, str)
    svg = charts.waits([Wait(title="", median=5 * SECOND, p95=10 * SECOND)], axis, title="waits")
    assert heights(svg, "fill-wait") == [28]


def test_a_spark_shows_failures_at_the_foot_and_never_more_than_all() -> None:
    svg = charts.spark_bars([10, 4, 0], [5, 9, 0], title="trend")
    assert heights_of_bars(svg, "fill-failed") == ["12", "9.6"]
    assert heights_of_bars(svg, "fill-plain") == ["12"]


def test_a_line_has_a_gap_where_nothing_was_measured_and_a_lonely_point_is_seen() -> None:
    svg = charts.spark_line([1, 2, None, 3], title="trend")
    lines = re.findall(r'<polyline[^>]* points="([^"]+)"', svg)
    assert [len(line.split()) for line in lines] == [2, 2]


@pytest.mark.parametrize("values", [[], [None, None], [0, 0]])
def test_a_line_of_nothing_is_drawn_all_the_same(values: list[float | None]) -> None:
    assert "<title>trend</title>" in charts.spark_line(values, title="trend")
    assert "<title>trend</title>" in charts.spark_bars([], title="trend")


def test_durations_lie_on_a_scale_on_which_tenfold_is_equally_far() -> None:
    scale = LogScale(low=SECOND, high=100 * SECOND)
    assert [scale.place(each * SECOND) for each in (0, 1, 10, 100, 1000)] == [0, 0, pytest.approx(0.5), 1, 1]
    assert LogScale(low=SECOND, high=SECOND).place(SECOND) == 0.5


@pytest.mark.parametrize(("part", "width"), [(0, None), (0.0001, "2%"), (0.25, "25%"), (1, "100%"), (7, "100%")])
def test_a_share_is_seen_when_it_is_more_than_nothing(part: float, width: str | None) -> None:
    svg = charts.share(part, title="failed")
    assert ('deferapp-fill-failed"' in svg) is (width is not None)
    if width:
        assert f'width="{width}"' in svg


def test_the_shades_of_heat_go_from_few_to_many() -> None:
    shades = [shade(count, 10_000) for count in (1, 10, 100, 1_000, 10_000)]
    assert shades == sorted(shades)
    assert (shades[0], shades[-1]) == (1, SHADES)


def test_marks_of_neighbours_stand_in_two_rows() -> None:
    marks = [Tick(place=place, label=name) for place, name in ((0.5, "p50"), (0.52, "p95"), (0.54, "p99"))]
    svg = charts.histogram([Column(title="", count=3)], AXIS, [], marks, title="durations")
    assert [re.search(rf'y="(\d+)"[^>]*>{mark.label}<', svg)[1] for mark in marks] == ["10", "23", "10"]  # type: ignore[index]


def test_words_at_the_edges_stay_inside() -> None:
    svg = charts.hours(
        [Tick(place=0, label="first"), Tick(place=0.5, label="middle"), Tick(place=1, label="last")], 0.2, "now"
    )
    assert re.findall(r'text-anchor="(\w+)">(first|middle|last)', svg) == [
        ("start", "first"),
        ("middle", "middle"),
        ("end", "last"),
    ]
