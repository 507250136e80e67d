"""The ids of executions: UUIDs of version 7, and of version 8 for those that a caller gave a key.

An execution that must exist only once gets an id that follows from what it is, so that the primary key itself
refuses the second one: a child from its parent, function, arguments and the number of equal calls before it; one that
is handed a failed execution from that and its last attempt; a scheduled execution from its function and due moment.
Their time part is the parent's or the due moment's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import overload
from uuid import UUID

if sys.version_info >= (3, 14):
    from uuid import uuid7
else:
    from uuid6 import uuid7

_TIME_SHIFT = 80
_HASH_BYTES = _TIME_SHIFT // 8


def new_id() -> UUID:
    return UUID(int=uuid7().int)


def child_id(parent: UUID, function: str, arguments: str, occurrence: int) -> UUID:
    """The id of the child that `parent` enqueues by this call, `occurrence` equal ones having come before it."""
    return _derived(parent.int >> _TIME_SHIFT, parent.hex, function, arguments, str(occurrence))


def handler_id(failed: UUID, attempt: int) -> UUID:
    """The id of the execution that is handed `failed`, which has ended as failed by this attempt."""
    return _derived(failed.int >> _TIME_SHIFT, "failed", failed.hex, str(attempt))


def due_id(function: str, due_at: datetime) -> UUID:
    """The id of the execution that fires at this due moment of the function's schedule."""
    milliseconds = int(due_at.timestamp() * 1000)
    return _derived(milliseconds, "due", function, due_at.isoformat())


def due_moment_of(id: UUID, function: str) -> datetime | None:
    """The due moment that an execution of the function with this id was fired for; None if it was for none."""
    try:
        due_at = datetime.fromtimestamp((id.int >> _TIME_SHIFT) // 1000, UTC)
    except (ValueError, OverflowError):  # The id has no time: it is a hash, or that of a child of such a one.
        return None
    return due_at if due_id(function, due_at) == id else None


def rerun_id(first: UUID, wish: str) -> UUID:
    """The id of the re-run of `first` that this wish, a text of its own, asks for: once, however often it is sent."""
    return _derived(first.int >> _TIME_SHIFT, "re-run", first.hex, wish)


def keyed_id(function: str, key: str) -> UUID:
    """The id of the one execution of a function that has this key. All of it is a hash: a key has no time."""
    digest = blake2b(f"{function}\0{key}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return UUID(int=_as_version(8, int.from_bytes(digest)))


def _derived(milliseconds: int, *parts: str) -> UUID:
    digest = blake2b("\0".join(parts).encode(), digest_size=_HASH_BYTES).digest()
    return UUID(int=_as_version(7, milliseconds << _TIME_SHIFT | int.from_bytes(digest)))


def _as_version(version: int, value: int) -> int:
    """With version and variant bits as in RFC 9562, sections 5.7 and 5.8; `UUID` sets them from Python 3.14 on."""
    value &= ~(0xF << 76 | 0x3 << 62)
    return value | version << 76 | 0x2 << 62


class Ids(Sequence[UUID]):
    """Many ids in 16 bytes each, as `map` returns them: a list of a million would take 80 MB."""

    def __init__(self, ids: Iterable[UUID] = ()) -> None:
        self._bytes = bytearray()
        self.extend(ids)

    def extend(self, ids: Iterable[UUID]) -> None:
        for each in ids:
            self._bytes += each.bytes

    def __len__(self) -> int:
        return len(self._bytes) // 16

    @overload
    def __getitem__(self, index: int) -> UUID: ...
    @overload
    def __getitem__(self, index: slice) -> Ids: ...
    def __getitem__(self, index: int | slice) -> UUID | Ids:
        if isinstance(index, slice):
            return Ids(self[i] for i in range(*index.indices(len(self))))
        position = range(len(self))[index] * 16
        return UUID(bytes=bytes(self._bytes[position : position + 16]))

    def __iter__(self) -> Iterator[UUID]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<Ids: {len(self)}>"
