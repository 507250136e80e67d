"""What a message says: the ids of executions of one function, and the version of this format.

It is the `(args, kwargs)` of a Celery task that has the function's name, so that routes, queues and monitors work.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from deferapp.exceptions import MessageError

VERSION: Final = 1
MOST_IDS: Final = 10_000
"""A message with more ids is not ours."""


def build(ids: Iterable[UUID]) -> tuple[list[Any], dict[str, Any]]:
    return [[each.hex for each in ids]], {"version": VERSION}


def parse(*args: Any, **kwargs: Any) -> list[UUID]:
    """The ids that a message names. Raises `MessageError` for anything that `build` does not make."""
    if kwargs.get("version") != VERSION:
        raise MessageError(f"version {kwargs.get('version')!r:.50}; this worker understands {VERSION}")
    if len(args) != 1 or not isinstance(args[0], list) or len(args[0]) > MOST_IDS:
        raise MessageError("no list of ids")
    try:
        return [UUID(hex=each) for each in args[0]]
    except (ValueError, AttributeError, TypeError) as error:
        raise MessageError("an id that is no UUID") from error
