"""A share as a bar: how much of all failed."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from deferapp.dashboard.charts import svg


def share(part: float, *, title: str, kind: str = "failed") -> SafeString:
    """`part` is from 0 to 1. What is more than nothing is seen."""
    shown = max(min(part, 1.0), 0.02 if part > 0 else 0.0)
    fill = svg.rect(f"fill-{kind}", 0, 0, shown, 8) if shown else SafeString()
    return format_html(
        '<svg class="deferapp-share" role="img" width="56" height="8"><title>{}</title>{}{}</svg>',
        title,
        svg.rect("fill-track", 0, 0, 1, 8),
        fill,
    )
