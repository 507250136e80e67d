"""What was enqueued, and what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import sync_to_async

from deferapp.executions.values import shown
from deferapp.models import Execution, ledger
from deferapp.testing.calls import Call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deferapp.functions.registry import AnyFunction

MOST_SHOWN: Final = 10
"""Executions that a message names."""


def assert_enqueued(function: AnyFunction, /, *args: Any, **kwargs: Any) -> Execution:
    """Assert that the function was enqueued with these arguments, whatever became of it; give the latest execution.

    Without arguments, that it was enqueued at all. An argument that cannot travel is compared by `==`, so that
    `unittest.mock.ANY` fits every value. Of `function.options(…)`, those that are given must fit too.
    """
    call, known = Call(function, args, kwargs), _of(function)
    for execution in reversed(known):
        if call.is_of(execution):
            return execution
    raise AssertionError(f"{function.name} was not enqueued{call}. {_listed(known)}")


def assert_not_enqueued(function: AnyFunction, /, *args: Any, **kwargs: Any) -> None:
    """Assert that the function was not enqueued with these arguments; without arguments, that it was not at all."""
    call, known = Call(function, args, kwargs), _of(function)
    if any(call.is_of(execution) for execution in known):
        raise AssertionError(f"{function.name} was enqueued{call}. {_listed(known)}")


def assert_nothing_enqueued() -> None:
    """Assert that there is no execution in the ledger."""
    known = list(Execution.objects.using(ledger()).order_by("created_at", "id")[: MOST_SHOWN + 1])
    if known:
        raise AssertionError(f"Something was enqueued. {_listed(known, with_names=True)}")


async def aassert_enqueued(function: AnyFunction, /, *args: Any, **kwargs: Any) -> Execution:
    """`assert_enqueued` from async code."""
    return await sync_to_async(assert_enqueued)(function, *args, **kwargs)


async def aassert_not_enqueued(function: AnyFunction, /, *args: Any, **kwargs: Any) -> None:
    """`assert_not_enqueued` from async code."""
    await sync_to_async(assert_not_enqueued)(function, *args, **kwargs)


async def aassert_nothing_enqueued() -> None:
    """`assert_nothing_enqueued` from async code."""
    await sync_to_async(assert_nothing_enqueued)()


def _of(function: AnyFunction) -> list[Execution]:
    rows = Execution.objects.using(ledger()).function(function)
    return list(rows.order_by("created_at", "id"))


def _listed(executions: list[Execution], *, with_names: bool = False) -> str:
    if not executions:
        return "There is no execution of it."
    return "There are:" + "".join(_lines(executions, with_names=with_names))


def _lines(executions: list[Execution], *, with_names: bool) -> Iterable[str]:
    for each in executions[:MOST_SHOWN]:
        name = f"{each.function} " if with_names else ""
        yield f"\n  {name}{shown.arguments(each.function, each.arguments_json)!r}, {each.state}"
    if len(executions) > MOST_SHOWN:
        yield "\n  …"
