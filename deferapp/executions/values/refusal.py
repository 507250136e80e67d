"""Why a value cannot travel, and where in an argument or a result it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from collections.abc import Set as AnySet
from dataclasses import is_dataclass
from typing import TypeAlias

Step: TypeAlias = int | str
"""An index of a list or a key of a dict."""


class Refusal(Exception):
    """Raised where the value is; collects `path` while it rises through the lists and dicts around it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} cannot travel. {remedy}")
        self.path: list[Step] = []


def refusal_of_type(value: object) -> Refusal:
    """Refuse a value for its type, with what to use instead."""
    # `__class__` looks through Django's lazy objects, as `type()` does not.
    return Refusal(f"a value of type {type_name(value.__class__)}", _remedy(value))


def type_name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def render(root: str, steps: Sequence[Step]) -> str:
    """`user.address[2]`: the way from `root` to a value inside it, cut off after ten steps."""
    way = "".join(_render_step(step) for step in steps[:10])
    return f"{root}{way}{'…' if len(steps) > 10 else ''}"


def _render_step(step: Step) -> str:
    return f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{step!r}]"


def _remedy(value: object) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "Use text, for example base64.b64encode(value).decode(), or store it and pass its key."
    if isinstance(value, AnySet):
        return "Use a list, for example sorted(value)."
    if isinstance(value, Awaitable):
        return "Await it first."
    if is_dataclass(value) and not isinstance(value, type):
        return "Use dataclasses.asdict(value)."
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays, pandas' series
        return "Use value.tolist()."
    if isinstance(value, Iterable):
        return "Use list(value)."
    return "Use plain data, a date or time, Decimal, UUID, an Enum's member, or a saved instance of a model."
