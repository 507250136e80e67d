"""What all charts are made of: numbers as attributes, and the frame with its name."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


def number(value: float) -> str:
    """A length in pixels or units of a viewBox, with no more digits than can be seen."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """A share of the width, 0 to 1."""
    return f"{number(share * 100)}%"


def joined(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def image(kind: str, height: float, title: str, *parts: SafeString) -> SafeString:
    """A chart as wide as its place. What is in it has percentages across and pixels down."""
    return format_html(
        '<svg class="deferapp-chart deferapp-{}" role="img" width="100%" height="{}"><title>{}</title>{}</svg>',
        kind,
        number(height),
        title,
        joined(parts),
    )


def rect(kind: str, x: float, y: float, width: float, height: float, title: str = "") -> SafeString:
    """`x` and `width` are shares of the chart's width, `y` and `height` pixels."""
    tooltip = format_html("<title>{}</title>", title) if title else SafeString()
    return format_html(
        '<rect class="deferapp-{}" x="{}" y="{}" width="{}" height="{}">{}</rect>',
        kind,
        percent(x),
        number(y),
        percent(width),
        number(height),
        tooltip,
    )


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> SafeString:
    return format_html(
        '<line class="deferapp-{}" x1="{}" y1="{}" x2="{}" y2="{}"/>',
        kind,
        percent(x1),
        number(y1),
        percent(x2),
        number(y2),
    )


def text(kind: str, x: float, y: float, words: str) -> SafeString:
    """Centred on `x`, but at the edges it stays inside."""
    anchor = "start" if x < 0.04 else "end" if x > 0.96 else "middle"
    return format_html(
        '<text class="deferapp-{}" x="{}" y="{}" text-anchor="{}">{}</text>', kind, percent(x), number(y), anchor, words
    )
