"""What a caller may say about executions besides their arguments: frozen, and refused at the call if it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypedDict, Unpack
from uuid import UUID

from deferapp.durations import When, as_date, as_duration, as_signed_duration
from deferapp.exceptions import OptionError

MOST_PAIRS: Final = 25
"""Pairs of metadata, as Defer has it."""
LONGEST_TEXT: Final = 256
"""Characters of a key or a value of metadata, as Defer has it."""
LONGEST_KEY: Final = 200
"""Characters of `key`."""
_PRINTABLE_ASCII: Final = f"a string of 1 to {LONGEST_TEXT} printable ASCII characters"

KeyValue = str | int | float | Decimal | UUID
"""What the value of a `concurrency_key` may be; 7 and "7" are the same one."""


class Given(TypedDict, total=False):
    """The keywords of `fn.options(…)`; `Options` says what they mean. None takes an option back."""

    delay: When | None
    discard_after: When | None
    metadata: Mapping[str, str] | None
    key: str | None
    concurrency_key: KeyValue | None


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a call, as they are understood."""

    delay: timedelta | datetime | None = None
    """How long after the enqueue, or when, it may start; what has passed by then means at once."""
    discard_after: timedelta | datetime | None = None
    """How long after the enqueue, or when, it is discarded unless it has started."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Up to 25 pairs of strings of 1 to 256 printable ASCII characters, which executions are found by."""
    key: str | None = None
    """1 to 200 characters: where an execution of the function with this key exists, no other is made."""
    concurrency_key: str | None = None
    """Which of the function's limits of concurrency it counts under, instead of what its arguments say."""

    def merged(self, **given: Unpack[Given]) -> Options:
        """These options with others over them; metadata is replaced whole.

        Raises `OptionError` or `DurationError` for a value that cannot be, `TypeError` for an unknown option.
        """
        if unknown := sorted(given.keys() - _READERS.keys()):
            raise TypeError(f"there is no option {', '.join(unknown)}; there are {', '.join(_READERS)}")
        return replace(self, **{name: _read(name, value) for name, value in given.items()})


def check_metadata(pairs: Mapping[str, str]) -> dict[str, str]:
    """The pairs, in a dict of their own. Raises `OptionError` if they cannot be metadata."""
    if not isinstance(pairs, Mapping):
        raise OptionError(f"metadata is a mapping of strings, not a {type(pairs).__qualname__}")
    if len(pairs) > MOST_PAIRS:
        raise OptionError(f"metadata has up to {MOST_PAIRS} pairs, not {len(pairs)}")
    for key, value in pairs.items():
        if not _is_printable_ascii(key):
            raise OptionError(f"metadata: the key {key!r:.100} is not {_PRINTABLE_ASCII}")
        if not _is_printable_ascii(value):
            # Not quoted: it may be a secret, and this a line in somebody's log.
            raise OptionError(f"metadata: the value of {key!r} is not {_PRINTABLE_ASCII}")
    return dict(pairs)


def as_key_value(value: object) -> str:
    """The text of a `concurrency_key`. Raises `OptionError`."""
    if isinstance(value, bool) or not isinstance(value, KeyValue) or value == "":
        kind = "an empty string" if value == "" else f"a {type(value).__qualname__}"
        raise OptionError(f"concurrency_key is a string that is not empty, a number or a UUID, not {kind}")
    return str(value)


def _read(name: str, value: Any) -> Any:
    if value is None:
        return {} if name == "metadata" else None
    return _READERS[name](value)


def _delay(value: When) -> timedelta | datetime:
    return as_date(value) if isinstance(value, date) else as_signed_duration(value)


def _discard_after(value: When) -> timedelta | datetime:
    return as_date(value) if isinstance(value, date) else as_duration(value)


def _key(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_KEY:
        kind = f"one of {len(value)}" if isinstance(value, str) else f"a {type(value).__qualname__}"
        raise OptionError(f"key is a string of 1 to {LONGEST_KEY} characters, not {kind}")
    return value


def _is_printable_ascii(text: object) -> bool:
    return isinstance(text, str) and 1 <= len(text) <= LONGEST_TEXT and text.isascii() and text.isprintable()


_READERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "delay": _delay,
    "discard_after": _discard_after,
    "metadata": check_metadata,
    "key": _key,
    "concurrency_key": as_key_value,
}
