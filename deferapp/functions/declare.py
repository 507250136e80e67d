"""`defer` and `defer.cron`: how a project declares its functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Literal, ParamSpec, TypeVar, Unpack, overload

from deferapp.cron import parse
from deferapp.exceptions import DeclarationError, InvalidFrequency
from deferapp.functions import registry
from deferapp.functions.config import Config, Declaration
from deferapp.functions.function import BackgroundFunction, Declared, ScheduledFunction

P = ParamSpec("P")
R = TypeVar("R")
CatchUp = Literal["latest", "all", "none"]


class Defer:
    """`defer(fn)`, `@defer`, `@defer(retry=3)`; `defer.cron(fn, "0 8 * * 1")`, `@defer.cron("0 8 * * 1")`.

    The keywords are those of `Config`: `retry`, `concurrency`, `concurrency_key`, `max_concurrency_action`,
    `max_duration`, `retry_on`, `give_up_on`, `on_failure`. One that cannot be is refused with `DeclarationError`.
    """

    @overload
    def __call__(
        self, fn: Callable[P, Coroutine[Any, Any, R]], /, **config: Unpack[Declaration]
    ) -> BackgroundFunction[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /, **config: Unpack[Declaration]) -> BackgroundFunction[P, R]: ...
    @overload
    def __call__(
        self, fn: None = None, /, **config: Unpack[Declaration]
    ) -> Callable[[Callable[P, R]], BackgroundFunction[P, R]]: ...
    def __call__(self, fn: Any = None, /, **config: Any) -> Any:
        if fn is None:
            return lambda fn: self(fn, **config)
        return _declare(BackgroundFunction(_plain(fn), _name(fn), Config(**config)))

    @overload
    def cron(
        self,
        fn: Callable[P, Coroutine[Any, Any, R]],
        frequency: str,
        /,
        *,
        catch_up: CatchUp = "latest",
        **config: Unpack[Declaration],
    ) -> ScheduledFunction[P, R]: ...
    @overload
    def cron(
        self,
        fn: Callable[P, R],
        frequency: str,
        /,
        *,
        catch_up: CatchUp = "latest",
        **config: Unpack[Declaration],
    ) -> ScheduledFunction[P, R]: ...
    @overload
    def cron(
        self, frequency: str, /, *, catch_up: CatchUp = "latest", **config: Unpack[Declaration]
    ) -> Callable[[Callable[P, R]], ScheduledFunction[P, R]]: ...
    def cron(self, fn: Any, frequency: Any = None, /, *, catch_up: CatchUp = "latest", **config: Any) -> Any:
        if frequency is None and not callable(fn):
            return lambda decorated: self.cron(decorated, fn, catch_up=catch_up, **config)
        if catch_up not in ("latest", "all", "none"):
            raise DeclarationError(f"catch_up is 'latest', 'all' or 'none', not {catch_up!r}")
        if config.get("concurrency_key") is not None:
            raise DeclarationError("concurrency_key is for functions with arguments; a scheduled function has none")
        function = ScheduledFunction(_plain(fn), _name(fn), Config(**config), frequency, catch_up)
        return _declare(function)


def _plain(fn: Any) -> Callable[..., Any]:
    if isinstance(fn, Declared):
        return fn.func
    if not callable(fn) or inspect.isclass(fn):
        raise DeclarationError(f"defer takes a function, not {fn!r}")
    return fn  # type: ignore[no-any-return]


def _name(fn: Any) -> str:
    """`<module>` in a `defer` package, where a file is named after its function; elsewhere `<module>.<function>`."""
    module: str = fn.__module__
    name: str = getattr(fn, "__name__", type(fn).__name__)
    return module if module.endswith(f".defer.{name}") else f"{module}.{name}"


FunctionT = TypeVar("FunctionT", bound=registry.AnyFunction)


def _declare(function: FunctionT) -> FunctionT:
    problem = _problem_of(function)
    if problem:
        registry.report(problem)
    else:
        registry.register(function)
    return function


def _problem_of(function: registry.AnyFunction) -> registry.Problem | None:
    qualified = getattr(function.func, "__qualname__", "")
    if not inspect.isfunction(function.func) or "<" in qualified or "." in qualified:
        return registry.Problem(
            id="deferapp.E004",
            place=function.place,
            message=f"{qualified or function.func!r} cannot be deferred: a worker could not import it by name.",
            hint="Declare a function at the top level of a module: no lambda, method or function in a function.",
        )
    if isinstance(function, ScheduledFunction):
        return _problem_of_schedule(function)
    return None


def _problem_of_schedule(function: ScheduledFunction[..., Any]) -> registry.Problem | None:
    if function.signature.parameters:
        return registry.Problem(
            id="deferapp.E005",
            place=function.place,
            message=f"The scheduled function {function.name} has parameters {function.signature}.",
            hint="Nobody calls it, so nobody could give them: take the parameters away.",
        )
    try:
        parse(function.frequency)
    except InvalidFrequency as error:
        return registry.Problem(
            id="deferapp.E006",
            place=function.place,
            message=f"The frequency of {function.name} is no cron expression. {error}",
            hint='Five fields in UTC, as in "0 8 * * 1" for Mondays at 08:00.',
        )
    return None


defer = Defer()
