"""Arguments and results as people read them: named, plain, redacted, cut off where they are long.

The texts of the ledger are read without loading what they refer to, and what is no JSON is shown as it is. A
positional argument has the name that the function's signature gives it today: one whose function is gone from the
code has none, and cannot be redacted by it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deferapp.admin.display import visible
from deferapp.functions import registry
from deferapp.redact import redact, redact_reference, redact_text

SHOWN: Final = 20_000
"""Characters of a text that a page shows."""
LINE_SHOWN: Final = 500
"""Characters of a line that stands alone."""


def arguments(function_name: str, text: str) -> SafeString:
    """The arguments of a call as an HTML block."""
    return block(_redacted(text, lambda call: _named(function_name, call)))


def result(text: str) -> SafeString:
    """What a function returned as an HTML block."""
    return block(_redacted(text, plain))


def data(value: Any) -> SafeString:
    """Metadata as an HTML block."""
    return block(_dumped(value))


def traceback(text: str) -> SafeString:
    return block(redact_text(text), keep_end=True)


def line(text: str) -> str:
    """The first line of an error's message, for a heading; the traceback below has all of it."""
    return visible(redact_text(text.strip().partition("\n")[0])[:LINE_SHOWN])


def block(text: str, *, keep_end: bool = False) -> SafeString:
    """Text from elsewhere in a box that scrolls; a long one is cut off, and says so."""
    shown = text[-SHOWN:] if keep_end else text[:SHOWN]
    html = format_html('<pre class="deferapp-block" dir="ltr" tabindex="0">{}</pre>', visible(shown))
    if len(text) <= SHOWN:
        return html
    note = (
        _("The last %(shown)s of %(all)s characters.") if keep_end else _("The first %(shown)s of %(all)s characters.")
    )
    counts = {"shown": number_format(SHOWN, force_grouping=True), "all": number_format(len(text), force_grouping=True)}
    return format_html('{}<p class="deferapp-quiet">{}</p>', html, note % counts)


def plain(value: Any) -> Any:
    """A value of the ledger for reading: tags give way to texts, `{"$date": "2024-02-29"}` to `"2024-02-29"`."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    tag, content = next(iter(value.items()), ("", None))
    if len(value) == 1 and tag in _TAGS:
        return _untagged(tag, content)
    return {key.removeprefix("$"): plain(item) for key, item in value.items()}


_TAGS: Final = ("$datetime", "$date", "$time", "$timedelta", "$decimal", "$uuid", "$enum", "$model")


def _untagged(tag: str, content: Any) -> Any:
    try:
        if tag == "$model":
            label, database, pk = content
            return redact_reference(label, plain(pk)) + ("" if database == "default" else f" ({database})")
        if tag == "$timedelta":
            days, seconds, microseconds = content
            return str(timedelta(days=days, seconds=seconds, microseconds=microseconds))
    except (TypeError, ValueError, OverflowError):
        return {tag: content}
    return ".".join(map(str, content)) if isinstance(content, list) else content


def _named(function_name: str, call: Any) -> Any:
    """The arguments of a call by name, as far as the function's signature names them."""
    if not isinstance(call, dict) or not call.keys() <= {"args", "kwargs"}:
        return plain(call)
    args, kwargs = call.get("args", []), plain(call.get("kwargs", {}))
    names, rest_name = _positional_names(function_name)
    if not isinstance(args, list) or not isinstance(kwargs, dict) or kwargs.keys() & names[: len(args)]:
        return plain(call)
    named = {name: plain(value) for name, value in zip(names, args, strict=False)}
    rest = plain(args[len(named) :])
    if rest and not named and not kwargs and rest_name == "*":
        return rest
    return {**named, **({rest_name: rest} if rest else {}), **kwargs}


def _positional_names(function_name: str) -> tuple[list[str], str]:
    """The names of positional parameters, and the name for all further arguments."""
    function = registry.get(function_name)
    parameters = list(function.signature.parameters.values()) if function else []
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [each.name for each in parameters if each.kind in by_position]
    rest = next((each.name for each in parameters if each.kind is inspect.Parameter.VAR_POSITIONAL), "")
    return names, f"*{rest}"


def _redacted(text: str, read: Callable[[Any], Any]) -> str:
    try:
        return _dumped(read(json.loads(text)))
    except (ValueError, RecursionError):
        return redact_text(text)


def _dumped(value: Any) -> str:
    return json.dumps(redact(value), indent=2, ensure_ascii=False)
