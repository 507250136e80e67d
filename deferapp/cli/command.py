"""What a command of `manage.py defer` is, and what several of them need."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from deferapp.functions import registry
from deferapp.models import Execution, ledger


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command: how it is called, and what it does."""

    name: str
    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[BaseCommand, dict[str, Any]], None]
    """With the Django command, for its output and style, and the arguments. Raises `CommandError`."""


def add_ids(parser: ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", type=UUID, metavar="id", help="Executions.")


def add_functions(parser: ArgumentParser) -> None:
    parser.add_argument("functions", nargs="+", metavar="function", help="Names, as in shop.defer.send_mail.")


def execution(id: UUID) -> Execution:
    found = Execution.objects.using(ledger()).filter(id=id).first()
    if found is None:
        raise CommandError(f"There is no execution {id}.")
    return found


def function(name: str) -> registry.AnyFunction:
    found = registry.get(name)
    if found is None:
        known = "".join(f"\n  {each.name}" for each in registry.functions())
        raise CommandError(f"There is no function {name}. There are:{known}")
    return found
