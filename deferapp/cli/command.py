"""What a command of `manage.py defer` is, and what several of them need."""

from __future__ import annotations

import difflib
import getpass
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from deferapp.cli import exits
from deferapp.clock import now
from deferapp.exceptions import SearchError
from deferapp.executions import search
from deferapp.functions import registry
from deferapp.models import Execution, ledger

MOST_NAMED: Final = 10
"""Ids that an error names."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command: how it is called, and what it does."""

    name: str
    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[BaseCommand, dict[str, Any]], None]
    """With the Django command, for its output and style, and the arguments. Raises `CommandError`."""


def in_english() -> translation.override:
    """For what pages say, too: commands speak to shells, scripts and logs."""
    return translation.override(None)


def add_json(parser: ArgumentParser, help: str = "Print JSON.") -> None:
    parser.add_argument("--json", action="store_true", help=help)


def add_id(parser: ArgumentParser) -> None:
    parser.add_argument("id", help="An execution: its id, or the end of that of a recent one.")


def add_ids(parser: ArgumentParser) -> None:
    parser.add_argument("ids", nargs="+", metavar="id", help="Executions: their ids, or the ends of recent ones'.")
    add_json(parser)


def add_functions(parser: ArgumentParser) -> None:
    parser.add_argument("functions", nargs="+", metavar="function", help="Names, as in shop.defer.send_mail.")
    add_json(parser)


def add_words(parser: ArgumentParser) -> None:
    parser.add_argument(
        "words",
        nargs="*",
        metavar="word",
        help="Search words: state:failed fn:shop.* since:2h until:2026-11-01 meta.KEY:VALUE parent:ID error:KEY id:ID, "
        "or a part of a function's name.",
    )


def execution(id: str) -> Execution:
    """Raises `CommandError` if there is none, or several that end so."""
    try:
        wanted = search.parse(f"id:{search.quoted(id)}", now())
    except SearchError as error:
        raise CommandError(f"{id} is no id of an execution.", returncode=exits.WRONG_USE) from error
    found = list(wanted.apply(Execution.objects.using(ledger()))[: MOST_NAMED + 1])
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError(f"There is no execution {id}.", returncode=exits.NOT_FOUND)
    ids = "".join(f"\n  {each}" for each in found[:MOST_NAMED])
    raise CommandError(f"The ids of several executions end with {id}:{ids}", returncode=exits.WRONG_USE)


def searched(words: Iterable[str]) -> search.Search:
    """What the words search for, each as the shell gives it. Raises `CommandError`."""
    try:
        with in_english():
            return search.parse(" ".join(map(_word, words)), now())
    except SearchError as error:
        raise CommandError(str(error), returncode=exits.WRONG_USE) from error


def function(name: str) -> registry.AnyFunction:
    """The function of this name, or the only one whose name ends so after a dot. Raises `CommandError`."""
    found = registry.get(name)
    if found is not None:
        return found
    ending = [each for each in registry.functions() if each.name.endswith(f".{name}")]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise CommandError(f"{name} is the name of several functions:{_listed(ending)}", returncode=exits.WRONG_USE)
    raise CommandError(f"There is no function {name}.{_known(name)}", returncode=exits.NOT_FOUND)


def user() -> str:
    """Who runs the command, as far as the system knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def _word(word: str) -> str:
    """What the shell has freed of its quotes gets them back."""
    key, colon, value = word.partition(":")
    return f"{key}:{search.quoted(value)}" if colon and '"' not in word else word


def _known(name: str) -> str:
    known = {each.name: each.name for each in registry.functions()}
    shortened = {each.rpartition(".")[2]: each for each in known}
    close = difflib.get_close_matches(name, [*known, *shortened], n=1)
    if close:
        return f" Did you mean {known.get(close[0]) or shortened[close[0]]}?"
    return f" There are:{_listed(registry.functions())}"


def _listed(functions: Iterable[registry.AnyFunction]) -> str:
    return "".join(f"\n  {each.name}" for each in functions)
