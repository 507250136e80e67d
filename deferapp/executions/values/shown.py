"""Arguments and results as people read them: named, plain, redacted.

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

from deferapp.functions import registry
from deferapp.redact import redact, redact_reference, redact_text

_TAGS: Final = ("$datetime", "$date", "$time", "$timedelta", "$decimal", "$uuid", "$enum", "$model")


def arguments(function_name: str, text: str) -> Any:
    """The arguments of a call; a text if they are no JSON."""
    return _redacted(text, lambda call: _named(function_name, call))


def result(text: str) -> Any:
    """What a function returned; a text if it is no JSON."""
    return _redacted(text, plain)


def dumped(value: Any) -> str:
    """A value that has been redacted, as indented JSON; a text that was no JSON as it is."""
    try:
        return value if isinstance(value, _Unreadable) else json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to be shown)"


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


class _Unreadable(str):
    """A text that was no JSON."""

    __slots__ = ()


def _redacted(text: str, read: Callable[[Any], Any]) -> Any:
    try:
        return redact(read(json.loads(text)))
    except (ValueError, RecursionError):
        return _Unreadable(redact_text(text))


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
