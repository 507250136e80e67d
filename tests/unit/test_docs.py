"""The reference says what the code says: no name is missing there, and none is made up."""

from __future__ import annotations

import argparse
import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.dispatch import Signal

import deferapp
from deferapp import conf, exceptions, signals
from deferapp.cli import COMMANDS, exits
from deferapp.executions.batches.batch import Batch
from deferapp.executions.current import CurrentExecution
from deferapp.executions.handle import Handle
from deferapp.executions.progress import Progress
from deferapp.executions.states import MOVES, ErrorCode, State
from deferapp.functions.config import Config, RetryPolicy
from deferapp.functions.function import BackgroundFunction, ScheduledFunction
from deferapp.functions.options import Options
from deferapp.models import Attempt, Execution
from deferapp.models.pages import Page
from deferapp.models.queries import ExecutionQuerySet
from deferapp.views import FunctionView

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "reference.md",
    "how-it-works.md",
    "existing-project.md",
    "operations.md",
    "deploying.md",
    "admin.md",
    "watching.md",
    "testing.md",
    "django-tasks.md",
)
CHECK_ID = re.compile(r"deferapp\.[EWI]\d{3}\b")
SETTING = re.compile(r"""DEFER\[["'](\w+)["']\]""")
SUBPARSERS = argparse._SubParsersAction
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<page>[\w-]+\.md)?(?:#(?P<anchor>[\w-]+))?\)")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def pages() -> str:
    return "\n".join(page(name) for name in PAGES)


def section(title: str) -> str:
    """The text of the reference from a heading to the next one of the same rank or above."""
    rank, _, after = re.split(rf"^(#+) {re.escape(title)}(\n)", page("reference.md"), maxsplit=1, flags=re.MULTILINE)[
        1:
    ]
    return re.split(rf"^#{{1,{len(rank)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of all rows of tables, without heads."""
    lines = re.sub(r"^\|.*\n\|[-|]+\n", "", text, flags=re.MULTILINE).splitlines()
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines if line.startswith("|")]


def first_words(title: str) -> list[str]:
    """The names in the first column of a section's tables, as far as they are written as code."""
    return [name for row in rows(section(title)) for name in re.findall(r"`([^`]+)`", row[0])]


def code() -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / "deferapp").rglob("*.py")))


def public(kind: type, *bases: type) -> set[str]:
    """What a class, and those of its bases that are named, let users call or read."""
    return {name for each in (kind, *bases) for name in vars(each) if not name.startswith("_")}


def mentioned(names: set[str], text: str) -> set[str]:
    """Those of the names that stand in code, as `name`, `x.name`, `name(…)` or `name=…`."""
    without_examples = EXAMPLE.sub("", text)
    spans = " ".join(re.findall(r"`([^`]+)`", without_examples))
    return {name for name in names if re.search(rf"(?<!\w){name}(?!\w)", spans)}


def test_every_setting_stands_in_the_reference_with_its_default_and_no_other_does() -> None:
    documented = {row[0]: row[1] for row in rows(section("Settings"))}
    assert documented == {f"`{field.name}`": f"`{field.default!r}`" for field in fields(conf.Settings)}


def test_no_page_speaks_of_a_setting_that_there_is_not() -> None:
    assert set(SETTING.findall(pages())) <= set(conf.KEYS)


def test_every_check_stands_in_the_reference_with_its_remedy() -> None:
    documented = {row[0].strip("`"): row[2] for row in rows(section("Checks"))}
    assert set(documented) == set(CHECK_ID.findall(code()))
    assert all(documented.values())


def test_no_page_speaks_of_a_check_that_there_is_not() -> None:
    assert set(CHECK_ID.findall(pages())) <= set(CHECK_ID.findall(code()))


def test_every_exception_stands_in_the_reference_with_what_else_it_is() -> None:
    documented = {row[0].strip("`"): row[1].strip("`") for row in rows(section("Exceptions"))}
    kinds = [
        kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if kind.__module__ == exceptions.__name__
    ]
    assert documented == {kind.__name__: _builtin_base(kind) for kind in kinds}


def _builtin_base(kind: type) -> str:
    return next(
        (base.__name__ for base in kind.__bases__ if base.__module__ == "builtins" and base is not Exception), ""
    )


def test_every_signal_stands_in_the_reference_and_no_other_does() -> None:
    known = [name for name, value in vars(signals).items() if isinstance(value, Signal)]
    assert sorted(first_words("Signals")) == sorted(known)


def test_every_command_stands_in_the_reference_with_its_options() -> None:
    documented = {
        command_of(row[0]): set(re.findall(r"--[a-z-]+", " ".join(row))) for row in rows(section("Command line"))
    }
    codes = {each for each in documented if each.isdigit()}
    assert {name: documented[name] for name in documented.keys() - codes} == options_of_commands()


def test_every_exit_code_stands_in_the_reference() -> None:
    documented = {int(row[0]) for row in rows(section("Command line")) if row[0].isdigit()}
    assert documented == {0, *(code for name, code in vars(exits).items() if name.isupper())}


def command_of(cell: str) -> str:
    """`schedules pause` of "`manage.py defer schedules pause FUNCTION …`"; an exit code as it is."""
    words = re.findall(r"(?<=manage.py defer )[a-z -]+", cell)
    return words[0].strip() if words else cell


def options_of_commands() -> dict[str, set[str]]:
    """The options of each command, and of its own commands."""
    found: dict[str, set[str]] = {}

    def add(name: str, parser: argparse.ArgumentParser) -> None:
        found[name] = {option for action in parser._actions for option in action.option_strings} - {"-h", "--help"}
        for action in parser._actions:
            for inner, its_parser in (action.choices or {}).items() if isinstance(action, SUBPARSERS) else ():
                add(f"{name} {inner}", its_parser)

    for command in COMMANDS:
        parser = argparse.ArgumentParser(add_help=False)
        command.add_arguments(parser)
        add(command.name, parser)
    return found


def test_every_public_name_of_the_package_stands_in_the_reference() -> None:
    names = set(deferapp._HOMES)
    assert mentioned(names, page("reference.md")) == names
    assert all(hasattr(deferapp, name) for name in names)


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Declaring", {field.name for field in fields(Config)}),
        ("Options", {field.name for field in fields(Options)}),
        ("Retries", {field.name for field in fields(RetryPolicy)}),
        ("Batches", (public(Batch) | public(Progress)) - {"extend"} | {"id", "by_state"}),
        ("Inside a running function", {"id", "function", "attempt", "parent_id", "created_at"}),
        ("Lists and pages", public(ExecutionQuerySet) | {field.name for field in fields(Page)}),
        ("Executions", public(Handle)),
        ("A function as a URL", public(FunctionView) - {"dispatch", "post", "get", "setup", "http_method_names"}),
        ("Executions", {field.name for field in (*Execution._meta.fields, *Attempt._meta.fields)}),
    ],
)
def test_every_public_name_of_a_subject_stands_in_its_section(title: str, names: set[str]) -> None:
    assert names - mentioned(names, section(title)) == set()


def test_every_method_of_functions_stands_in_the_reference() -> None:
    names = public(BackgroundFunction) | public(ScheduledFunction) | public(BackgroundFunction.__mro__[1])
    assert names - mentioned(names, page("reference.md")) == set()


def test_what_a_running_function_may_know_is_all_that_is_documented() -> None:
    known = {field.name for field in fields(CurrentExecution)} - {"collector", "log", "_calls"} | {"due_moment"}
    assert set(first_words("Inside a running function")) == known


@pytest.mark.parametrize(("title", "kind"), [("Declaring", Config), ("Options", Options), ("Retries", RetryPolicy)])
def test_a_documented_default_is_that_of_the_code(title: str, kind: type[Any]) -> None:
    simple = {f"`{field.name}`": field.default for field in fields(kind) if _is_simple(field.default)}
    documented = {row[0]: row[1] for row in rows(section(title)) if row[0] in simple}
    assert {name: ast.literal_eval(default.strip("`")) for name, default in documented.items()} == simple


def _is_simple(default: object) -> bool:
    return default is None or isinstance(default, (bool, int, float, str, tuple))


def test_the_table_of_moves_is_that_of_the_code() -> None:
    pairs = [tuple(name.strip("`") for name in row[:2]) for row in rows(section("States and moves"))]
    moves = [(State(before), State(after)) for before, after in pairs if after in State.values]
    assert sorted(moves) == sorted(MOVES)


def test_every_state_and_every_error_code_is_explained() -> None:
    names = first_words("States and moves")
    assert set(State.values) <= set(names)
    assert [name for name in names if name.startswith("ER")] == ErrorCode.values


def test_every_table_of_the_ledger_stands_in_the_reference_and_no_other_does() -> None:
    documented = {row[0].strip("`"): row[1].strip("`") for row in rows(section("Tables of the ledger"))}
    models = apps.get_app_config("deferapp").get_models()
    assert documented == {model.__name__: model._meta.db_table for model in models}


def test_links_lead_to_pages_and_headings_that_exist() -> None:
    for name in PAGES:
        for link in LINK.finditer(page(name)):
            target = link["page"] or name
            assert target in PAGES, link[0]
            assert link["anchor"] is None or link["anchor"] in _anchors(page(target)), link[0]


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def _examples() -> Iterator[ast.Module]:
    for block in EXAMPLE.findall(pages()):
        yield ast.parse(block)


def test_examples_are_python_and_import_what_there_is() -> None:
    imports = [node for example in _examples() for node in ast.walk(example) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if node.module and node.module.partition(".")[0] == "deferapp"]
    assert ours
    for node in ours:
        module = import_module(str(node.module))
        missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
        assert not missing, f"{node.module} has no {missing}"
