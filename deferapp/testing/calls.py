"""Whether an execution is of a call: its arguments, compared as they travel, and the options that are given."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deferapp.durations import as_moment
from deferapp.executions.ids import keyed_id
from deferapp.executions.values.refusal import Refusal
from deferapp.executions.values.rows import Rows
from deferapp.executions.values.tree import pack, unpack
from deferapp.functions.limit_key import limit_key

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction
    from deferapp.models import Execution


class Call:
    """A call that is expected, or not. Raises `TypeError` if it does not fit the function's signature."""

    def __init__(self, function: AnyFunction, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self._function = function
        self._is_any = not args and not kwargs
        self._arguments = {} if self._is_any else _bound(function.signature, args, kwargs)
        self._texts = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]

    def __str__(self) -> str:
        said = "" if self._is_any else f" with ({', '.join(self._texts)})"
        return f"{said} and {self._function.assigned}" if self._has_options else said

    def is_of(self, execution: Execution) -> bool:
        return (self._is_any or self._has_arguments_of(execution)) and all(self._fits(execution))

    @property
    def _has_options(self) -> bool:
        return self._function.assigned != type(self._function.assigned)()

    def _has_arguments_of(self, execution: Execution) -> bool:
        call = json.loads(execution.arguments_json)
        args = [_Packed(each) for each in call.get("args", ())]
        kwargs = {name.removeprefix("$"): _Packed(value) for name, value in call.get("kwargs", {}).items()}
        try:
            actual = _bound(self._function.signature, args, kwargs)
        except TypeError:  # of an older signature
            return False
        if actual.keys() != self._arguments.keys():
            return False
        return all(_is_same(value, actual[name]) for name, value in self._arguments.items())

    def _fits(self, execution: Execution) -> Iterator[bool]:
        """For each option that is given, whether it is the execution's."""
        options, enqueued_at = self._function.assigned, execution.created_at
        if options.delay is not None:
            due_at = max(enqueued_at, as_moment(options.delay, enqueued_at))
            yield execution.attempt > 0 or execution.due_at == due_at
        if options.discard_after is not None:
            yield execution.discard_at == as_moment(options.discard_after, enqueued_at)
        if options.metadata:
            yield execution.metadata == options.metadata
        if options.key is not None:
            yield execution.id == keyed_id(self._function.name, options.key)
        if options.concurrency_key is not None:
            yield execution.limit_key == limit_key(self._function, (), {})


@dataclass(frozen=True)
class _Packed:
    """A value as the ledger has it."""

    json: Any

    def unpacked(self) -> Any:
        return unpack(self.json, Rows())


def _bound(signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[Any, Any]:
    """The arguments by name, and by name and place where one parameter takes several."""
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    found: dict[Any, Any] = {}
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            found.update({(name, index): each for index, each in enumerate(value)})
        elif kind is inspect.Parameter.VAR_KEYWORD:
            found.update({(name, key): each for key, each in value.items()})
        else:
            found[name] = value
    return found


def _is_same(expected: Any, actual: Any) -> bool:
    """Dicts have sorted keys in the ledger, which makes no difference here."""
    try:
        packed = pack(expected)
    except Refusal:
        return bool(expected == (actual.unpacked() if isinstance(actual, _Packed) else actual))
    return bool(packed == (actual.json if isinstance(actual, _Packed) else pack(actual)))
