"""Members of an Enum as the class's place and the member's name; a union of flags by its number.

Reading imports the module that the text names, as the `import` statement would, and takes nothing from it but
a class that is an Enum. Importing runs code; so a module is imported only from a package that the process has imported
something of, or that an installed app is in: a forged text cannot reach for whatever else is installed.
"""

from __future__ import annotations

import sys
from enum import Enum, Flag
from importlib import import_module

from django.apps import apps

from deferapp.executions.values.refusal import Refusal


def write_member(member: Enum) -> list[str | int]:
    kind = type(member)
    place = f"{kind.__module__}:{kind.__qualname__}"
    if not _can_be_found(kind, place):
        raise Refusal(
            f"a member of the Enum {place}, which a worker cannot import,",
            "Define the class at the top level of a module.",
        )
    if member._name_ in kind.__members__:
        return [place, member._name_]
    if isinstance(member, Flag):
        return [place, member._value_]
    raise Refusal(f"{member!r}, which is no declared member of {place},", "Use a declared member.")


def read_member(content: list[str | int]) -> Enum:
    place, name = content
    if not isinstance(place, str):
        raise TypeError(f"{place!r} is no class")
    kind = _find(place)
    if isinstance(name, int) and issubclass(kind, Flag):
        member = kind(name)
        if member._value_ != name:
            # Python 3.11.2 lets bits pass that a strict Flag does not have, and drops them.
            raise ValueError(f"{name} is no value of {place}")
        return member
    return kind.__members__[str(name)]


def _can_be_found(kind: type[Enum], place: str) -> bool:
    try:
        return kind.__module__ != "__main__" and _find(place) is kind
    except (ImportError, LookupError, TypeError, ValueError):
        return False


def _is_in_use(package: str) -> bool:
    return package in sys.modules or any(config.name.partition(".")[0] == package for config in apps.get_app_configs())


def _find(place: str) -> type[Enum]:
    module, _, qualified_name = place.partition(":")
    if not _is_in_use(module.partition(".")[0]):
        raise ImportError(f"{module} is neither imported nor in an installed app")
    found: object = import_module(module)
    for name in qualified_name.split("."):
        # Not getattr: that would run a module's or a descriptor's own code.
        found = vars(found)[name]
    if not (isinstance(found, type) and issubclass(found, Enum)):
        raise TypeError(f"{place} is no Enum")
    return found
