"""Attempts that fail, to test what follows from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from unittest import mock

from deferapp.functions import registry
from deferapp.functions.registry import AnyFunction

Error = BaseException | type[BaseException]


@contextmanager
def failing(function: AnyFunction, error: Error = RuntimeError, *, times: int = 1) -> Iterator[None]:
    """Let the next attempts of a function fail with this error, before their bodies begin; those after them run.

    Raises `AssertionError` at the end of the block if fewer attempts were made: what was to be tested was not.
    """
    declared = registry.get(function.name) or function
    errors = _Errors(error, times)
    instead = errors.before_coroutine(declared.func) if declared.is_async else errors.before(declared.func)
    with mock.patch.object(declared, "func", instead):
        yield
    if errors.left:
        made = times - errors.left
        raise AssertionError(f"{function.name} was to fail {times} times, and {made} attempts were made.")


class _Errors:
    """The error, as often as it is raised."""

    def __init__(self, error: Error, times: int) -> None:
        self._error = error
        self.left = times

    def before(self, func: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(func)
        def instead(*args: Any, **kwargs: Any) -> Any:
            self._raise()
            return func(*args, **kwargs)

        return instead

    def before_coroutine(self, func: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(func)
        async def instead(*args: Any, **kwargs: Any) -> Any:
            self._raise()
            return await func(*args, **kwargs)

        return instead

    def _raise(self) -> None:
        if self.left:
            self.left -= 1
            raise self._error
