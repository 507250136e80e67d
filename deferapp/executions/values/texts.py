"""The text of a call and of a result.

A call is `{"args":[…],"kwargs":{…}}` as it was made, each left out when it is empty, so that `f(1)` and
`f(x=1)` have different texts.
"""

from __future__ import annotations

import inspect
import json
from typing import Any, Final, NoReturn

from deferapp.exceptions import ArgumentError, ResultError, ValueCorrupt
from deferapp.executions.values.refusal import Refusal, Step, render
from deferapp.executions.values.rows import Rows
from deferapp.executions.values.tree import pack, unpack

_BY_POSITION: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_BY_KEYWORD: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def encode_call(function_name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The text of a call: equal calls have equal text.

    Raises `TypeError` when the call does not fit the signature, and `ArgumentError` naming the argument that
    cannot travel.
    """
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{function_name}() {error}; its signature is {signature}") from None
    call: dict[str, Any] = {}
    try:
        if args:
            call["args"] = pack(args)
        if kwargs:
            call["kwargs"] = pack(kwargs)
    except Refusal as refusal:
        name = _argument(signature, refusal.path)
        raise ArgumentError(f"{function_name}() cannot take {name}: {refusal}") from None
    return _CALLS.encode(call)


def decode_call(text: str) -> tuple[list[Any], dict[str, Any]]:
    """The positional and the keyword arguments, with instances of models loaded from the database.

    Raises `ArgumentGone` when such a row has been deleted, `ValueCorrupt` for text that is no call.
    """
    call = _decode(text)
    if not isinstance(call, dict) or not call.keys() <= {"args", "kwargs"}:
        raise ValueCorrupt("this is no call")
    args, kwargs = call.get("args", []), call.get("kwargs", {})
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise ValueCorrupt("this call has no list of args or no dict of kwargs")
    return args, kwargs


def encode_result(function_name: str, value: object) -> str:
    """The text of what a function returned. Raises `ResultError` naming what cannot travel."""
    try:
        return _RESULTS.encode(pack(value))
    except Refusal as refusal:
        name = render("result", refusal.path)
        raise ResultError(f"{function_name}() cannot return {name}: {refusal}") from None


def decode_result(text: str) -> Any:
    """What the function returned. Raises as `decode_call` does."""
    return _decode(text)


def _encoder(*, sort_keys: bool) -> json.JSONEncoder:
    # What cannot be written, cycles among it, was refused before.
    return json.JSONEncoder(sort_keys=sort_keys, check_circular=False, separators=(",", ":"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_CALLS: Final = _encoder(sort_keys=True)
_RESULTS: Final = _encoder(sort_keys=False)
_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)


def _decode(text: str) -> Any:
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise ValueCorrupt(f"this is no JSON: {error}") from error
    if '"$' not in text:  # no tag anywhere
        return value
    try:
        return unpack(value, Rows())
    except RecursionError as error:
        raise ValueCorrupt("this is nested too deeply") from error


def _argument(signature: inspect.Signature, path: list[Step]) -> str:
    """`user.address[2]`, for a path that begins with an index of args or a key of kwargs."""
    first, *rest = path
    parameters = list(signature.parameters.values())
    if isinstance(first, str):
        if any(parameter.name == first and parameter.kind in _BY_KEYWORD for parameter in parameters):
            return render(first, rest)
        return render(_catch_all(parameters, inspect.Parameter.VAR_KEYWORD), path)
    names = [parameter.name for parameter in parameters if parameter.kind in _BY_POSITION]
    if first < len(names):
        return render(names[first], rest)
    return render(_catch_all(parameters, inspect.Parameter.VAR_POSITIONAL), [first - len(names), *rest])


def _catch_all(parameters: list[inspect.Parameter], kind: inspect._ParameterKind) -> str:
    return next(parameter.name for parameter in parameters if parameter.kind is kind)
