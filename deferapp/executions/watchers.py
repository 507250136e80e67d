"""Where what watches a project takes part in executions: around each body, and in what travels there from its enqueue.

What happens besides is told by `deferapp.signals`. A watcher that raises is logged and changes nothing. Settings may
import this: it loads no model. Costs nothing when nobody watches.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

if TYPE_CHECKING:
    from deferapp.models import Execution

logger = logging.getLogger("deferapp.executions")

bodies: Final[list[Callable[[Execution], AbstractContextManager[object]]]] = []
"""What is entered before a body begins, in its thread or coroutine, and left when it has ended, with what it raised."""

carriers: Final[list[Callable[[str, UUID], Mapping[str, str]]]] = []
"""What gives an execution that is enqueued, of this function and with this id, metadata besides its own."""


def around(execution: Execution) -> AbstractContextManager[object]:
    """What its body runs in."""
    return _Around(execution) if bodies else nullcontext()


def carried(function: str, id: UUID, metadata: Mapping[str, str]) -> dict[str, Any]:
    """The metadata of an execution that is enqueued here."""
    together = dict(metadata)
    for carrier in carriers:
        try:
            together |= carrier(function, id)
        except Exception:
            logger.exception("A watcher failed at the enqueue of %s", function)
    return together


class _Around:
    """All watchers of a body, none of which can fail it or hide how it ended."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        for watch in bodies:
            try:
                manager = watch(self._execution)
                manager.__enter__()
            except Exception:
                logger.exception("A watcher failed before %s", self._execution)
            else:
                self._entered.push(partial(self._leave, manager))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.__exit__(kind, error, trace)

    def _leave(
        self,
        manager: AbstractContextManager[object],
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            manager.__exit__(kind, error, trace)
        except Exception as raised:
            if raised is not error:
                logger.exception("A watcher failed after %s", self._execution)
