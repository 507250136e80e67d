"""Arguments, results and other long texts as HTML, cut off where they are too long. See `executions.values.shown`."""

from __future__ import annotations

from typing import Any, Final

from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deferapp.admin.display import visible
from deferapp.executions.values import shown
from deferapp.redact import redact, redact_text

SHOWN: Final = 20_000
"""Characters of a text that a page shows."""
LINE_SHOWN: Final = 500
"""Characters of a line that stands alone."""


def arguments(function_name: str, text: str) -> SafeString:
    """The arguments of a call as an HTML block."""
    return block(shown.dumped(shown.arguments(function_name, text)))


def result(text: str) -> SafeString:
    """What a function returned as an HTML block."""
    return block(shown.dumped(shown.result(text)))


def data(value: Any) -> SafeString:
    """Metadata as an HTML block."""
    return block(shown.dumped(redact(value)))


def traceback(text: str) -> SafeString:
    return block(redact_text(text), keep_end=True)


def line(text: str) -> str:
    """The first line of an error's message, for a heading; the traceback below has all of it."""
    return visible(redact_text(text.strip().partition("\n")[0])[:LINE_SHOWN])


def block(text: str, *, keep_end: bool = False) -> SafeString:
    """Text from elsewhere in a box that scrolls; a long one is cut off, and says so."""
    part = text[-SHOWN:] if keep_end else text[:SHOWN]
    html = format_html('<pre class="deferapp-block" dir="ltr" tabindex="0">{}</pre>', visible(part))
    if len(text) <= SHOWN:
        return html
    note = (
        _("The last %(shown)s of %(all)s characters.") if keep_end else _("The first %(shown)s of %(all)s characters.")
    )
    counts = {"shown": number_format(SHOWN, force_grouping=True), "all": number_format(len(text), force_grouping=True)}
    return format_html('{}<p class="deferapp-quiet">{}</p>', html, note % counts)
