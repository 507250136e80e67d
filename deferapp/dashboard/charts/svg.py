"""What all charts are made of: numbers as attributes, and the frame with its name.

A page has some thousand shapes, so they are put together here by hand, where everything is escaped at one glance:
Django's `format_html` would take as long as all the rest of the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString


def number(value: float) -> str:
    """A length in pixels or units of a viewBox, with no more digits than can be seen."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """A share of the width, 0 to 1."""
    return f"{number(share * 100)}%"


def joined(parts: Iterable[SafeString]) -> SafeString:
    """Markup, one after the other. It is not escaped again."""
    return SafeString("".join(parts))


def titled(title: str) -> SafeString:
    """What a person reads who points at a shape, or hears; nothing if there is nothing to say."""
    return SafeString(f"<title>{escape(title)}</title>" if title else "")


def group(title: str, *parts: SafeString) -> SafeString:
    return SafeString(f"<g>{titled(title)}{joined(parts)}</g>")


def link(url: str, title: str, *parts: SafeString) -> SafeString:
    """A link that keyboards do not stop at: there may be dozens, and a table has them too."""
    name = escape(title)
    return SafeString(
        f'<a href="{escape(url)}" aria-label="{name}" tabindex="-1"><title>{name}</title>{joined(parts)}</a>'
    )


def image(kind: str, height: float, title: str, *parts: SafeString, role: str = "img") -> SafeString:
    """A chart as wide as its place. What is in it has percentages across and pixels down."""
    return SafeString(
        f'<svg class="deferapp-chart deferapp-{escape(kind)}" role="{escape(role)}" width="100%" '
        f'height="{number(height)}">{titled(title)}{joined(parts)}</svg>'
    )


def rect(kind: str, x: float, y: float, width: float, height: float, title: str = "") -> SafeString:
    """`x` and `width` are shares of the chart's width, `y` and `height` pixels."""
    return SafeString(
        f'<rect class="deferapp-{escape(kind)}" x="{percent(x)}" y="{number(y)}" width="{percent(width)}" '
        f'height="{number(height)}">{titled(title)}</rect>'
    )


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> SafeString:
    return SafeString(
        f'<line class="deferapp-{escape(kind)}" x1="{percent(x1)}" y1="{number(y1)}" x2="{percent(x2)}" '
        f'y2="{number(y2)}"/>'
    )


def text(kind: str, x: float, y: float, words: str, *, is_word: bool = True) -> SafeString:
    """Centred on `x`, but at the edges a word stays inside, unlike a single sign."""
    anchor = "middle" if not is_word or 0.04 <= x <= 0.96 else "start" if x < 0.5 else "end"
    return SafeString(
        f'<text class="deferapp-{escape(kind)}" x="{percent(x)}" y="{number(y)}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )
