"""Which limit of concurrency a call counts under: its function's, or one for each value of a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from deferapp.exceptions import OptionError
from deferapp.functions.options import as_key_value

if TYPE_CHECKING:
    from deferapp.functions.registry import AnyFunction

LONGEST: Final = 200
"""Characters of a limit's name in the ledger; a longer one is cut and ends in a hash."""
_HASH_BYTES: Final = 16


def limit_key(function: AnyFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """`<function>:<key>`; None for a call that counts under its function's own limit, or under none.

    Raises `OptionError` when the declared key has no value that can be one. None can: it means the function's own.
    """
    if function.config.concurrency is None:
        return None
    key = function.assigned.concurrency_key or _declared_key(function, args, kwargs)
    return None if key is None else _name(function.name, key)


def _declared_key(function: AnyFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    declared = function.config.concurrency_key
    if declared is None:
        return None
    value = declared(*args, **kwargs) if callable(declared) else _at(declared, _arguments(function, args, kwargs))
    # An argument that is a row of a model is known by its primary key.
    value = getattr(value, "pk", value)
    try:
        return None if value is None else as_key_value(value)
    except OptionError as error:
        raise OptionError(f"{function.name}(): {error}") from None


def _arguments(function: AnyFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    bound = function.signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.arguments


def _at(path: str, arguments: dict[str, Any]) -> object:
    """What a path as "user" or "user.pk" leads to: by the keys of mappings and the attributes of all else."""
    value: Any = arguments
    for step in path.split("."):
        try:
            value = value[step] if isinstance(value, Mapping) else getattr(value, step)
        except (KeyError, AttributeError):
            raise OptionError(f"concurrency_key={path!r}: there is no {step!r} in {type(value).__name__}") from None
    return value


def _name(function: str, key: str) -> str:
    name = f"{function}:{key}"
    # No database holds NUL characters or lone surrogates in text.
    if len(name) <= LONGEST and key.isprintable():
        return name
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).hexdigest()
    return f"{function[: LONGEST - 2 * _HASH_BYTES - 1]}:{digest}"
