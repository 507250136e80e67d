"""The walk through lists and dicts that turns values into JSON and back.

A value that JSON does not know is a dict of one key, its tag: `{"$date":"2024-02-29"}`. A key of a user's own
dict that begins with `$` is written with one more, so that it is never taken for a tag.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.utils.functional import Promise

from deferapp.exceptions import ValueCorrupt
from deferapp.executions.values import members, moments
from deferapp.executions.values.refusal import Refusal, Step, refusal_of_type, type_name
from deferapp.executions.values.rows import Rows, is_instance, reference

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

MAX_DEPTH: Final = 100
"""How many lists and dicts may stand inside one another, a call's own one among them: few enough that neither
side meets Python's limit of recursion."""

_ROW: Final = "$model"
_SAME_IN_JSON: Final = frozenset({str, bool, NoneType})
# Python itself refuses to write or read an int of more digits.
_INT_LIMIT: Final = 10**sys.int_info.default_max_str_digits


def pack(value: object, depth: int = 0) -> Json:
    """Raises `Refusal` for what cannot travel."""
    kind = type(value)
    if kind in _SAME_IN_JSON:
        return value  # type: ignore[return-value]
    packer = _PACKERS.get(kind) or _inherited_packer(kind)
    if packer is not None:
        return packer(value, depth)
    if is_instance(value):
        return _pack_row(value)
    raise refusal_of_type(value)


def unpack(value: Json, rows: Rows) -> Any:
    """Raises `ValueCorrupt` for what `pack` does not write, `ArgumentGone` for a row that was deleted."""
    if isinstance(value, list):
        return [unpack(item, rows) for item in value]
    if not isinstance(value, dict):
        return value
    tag = next((key for key in value if key.startswith("$") and not key.startswith("$$")), None)
    if tag is None:
        return {key.removeprefix("$"): unpack(item, rows) for key, item in value.items()}
    if len(value) > 1:
        raise ValueCorrupt(f"{tag} stands beside other keys")
    content = unpack(value[tag], rows)
    return rows.load(content) if tag == _ROW else _read(tag, content)


def _pack_at(step: Step, value: object, depth: int) -> Json:
    """Pack what stands at `step` of a list or dict."""
    try:
        return pack(value, depth)
    except Refusal as refusal:
        refusal.path.insert(0, step)
        raise


def _pack_text(value: str, _depth: int) -> str:
    return str.__str__(value)


def _pack_integer(value: int, _depth: int) -> int:
    if not -_INT_LIMIT < value < _INT_LIMIT:
        raise Refusal(f"an int of more than {sys.int_info.default_max_str_digits} digits", "Use hex(value).")
    return int.__int__(value)


def _pack_float(value: float, _depth: int) -> float:
    if not math.isfinite(value):
        raise Refusal(f"a float that is {value}", "Use None.")
    return float.__float__(value)


def _pack_list(items: Sequence[object], depth: int) -> list[Json]:
    inside = _deeper(depth, items)
    return [_pack_at(index, item, inside) for index, item in enumerate(items)]


def _pack_dict(value: dict[str, object], depth: int) -> dict[str, Json]:
    inside = _deeper(depth, value)
    # dict.items, because Django's QueryDict shows only the last value of each key in its own.
    return {_pack_key(key): _pack_at(key, item, inside) for key, item in dict.items(value)}


def _pack_key(key: object) -> str:
    if not isinstance(key, str):
        raise Refusal(f"a dict with the key {key!r} of type {type_name(type(key))}", "Use keys of type str.")
    plain = str.__str__(key)
    return f"${plain}" if plain.startswith("$") else plain


def _deeper(depth: int, value: object) -> int:
    if depth >= MAX_DEPTH:
        name = type_name(type(value))
        raise Refusal(f"a {name} inside {MAX_DEPTH} others, or inside itself,", "Use something flatter.")
    return depth + 1


def _pack_row(value: Any) -> Json:
    label, alias, pk = reference(value)
    return {_ROW: [label, alias, _pack_at("pk", pk, depth=0)]}


def _pack_lazy(value: Promise, _depth: int) -> str:
    return str(value)


def _write_decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise Refusal(f"a Decimal that is {value}", "Use None.")
    return Decimal.__str__(value)


def _read_decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"{text} is no finite number")
    return value


@dataclass(frozen=True, kw_only=True)
class _Extra:
    """A type that JSON does not know."""

    tag: str
    write: Callable[[Any], object]
    """Gives something simpler, packed in its turn."""
    read: Callable[[Any], object]
    """Takes what `write` gave. Whatever it raises means that the text is corrupt."""


_EXTRAS: Final[dict[type, _Extra]] = {
    datetime: _Extra(tag="$datetime", write=moments.write_datetime, read=moments.read_datetime),
    date: _Extra(tag="$date", write=date.isoformat, read=date.fromisoformat),
    time: _Extra(tag="$time", write=moments.write_time, read=moments.read_time),
    timedelta: _Extra(tag="$timedelta", write=moments.write_timedelta, read=moments.read_timedelta),
    Decimal: _Extra(tag="$decimal", write=_write_decimal, read=_read_decimal),
    UUID: _Extra(tag="$uuid", write=UUID.__str__, read=UUID),
    Enum: _Extra(tag="$enum", write=members.write_member, read=members.read_member),
}
_READERS: Final = {extra.tag: extra.read for extra in _EXTRAS.values()}


def _tagging(extra: _Extra) -> Callable[[Any, int], Json]:
    return lambda value, _depth: {extra.tag: pack(extra.write(value))}


_PACKERS: Final[dict[type, Callable[[Any, int], Json]]] = {
    str: _pack_text,
    int: _pack_integer,
    float: _pack_float,
    list: _pack_list,
    tuple: _pack_list,
    dict: _pack_dict,
    Promise: _pack_lazy,
    **{kind: _tagging(extra) for kind, extra in _EXTRAS.items()},
}


def _inherited_packer(kind: type) -> Callable[[Any, int], Json] | None:
    """The packer of the nearest known base. An Enum of ints or texts is an Enum first."""
    if issubclass(kind, Enum):
        return _PACKERS[Enum]
    return next((_PACKERS[base] for base in kind.__mro__ if base in _PACKERS), None)


def _read(tag: str, content: object) -> object:
    if tag not in _READERS:
        raise ValueCorrupt(f"{tag} is no type that travels")
    try:
        return _READERS[tag](content)
    except Exception as error:
        # Neither the content nor the error's message, which quotes it: it may be a secret.
        raise ValueCorrupt(f"what is tagged {tag} is no {tag.removeprefix('$')} ({type(error).__name__})") from None
