"""Texts for people's eyes that nobody could translate: in Python code and in templates.

Python: in the rooms that people see, a text of two words in a row, the text within a literal of HTML, and any text in a
place that Django shows. What is raised or logged is not meant: that stays English, as docs/reference.md says. Limit: a
lone word elsewhere is not seen; `test_pages` renders the pages to find those.

Templates: what is outside of tags, and attributes that are read out or shown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

from django.template.base import Node, NodeList, TextNode
from django.template.loader_tags import BlockNode
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

from tests.unit.locale.messages import PACKAGE, calls, compiled

ROOMS: Final = (
    "admin",
    "alerts",
    "apps.py",
    "cron/words.py",
    "dashboard",
    "executions/search",
    "executions/states.py",
    "models",
    "templatetags",
    "views.py",
    "workers/alarms",
)
SHOWN: Final = frozenset(
    {
        "description",
        "empty_label",
        "empty_value_display",
        "help_text",
        "label",
        "short_description",
        "subtitle",
        "title",
    }
    | {"verbose_name", "verbose_name_plural"}
)
"""Keywords and attributes whose text Django shows, or our templates."""
SAYS: Final = frozenset(
    {"message_user", "ValidationError", "ScheduleError", "SearchError", "PermissionDenied", "Http404"}
)
"""Functions, and errors, that tell people something."""
HTML: Final = frozenset({"format_html", "format_html_join", "mark_safe"})
LOUD: Final = frozenset({"title", "aria-label", "alt", "placeholder", "data-done"})
"""Attributes that people see or hear."""
CODE: Final = frozenset({"script", "style", "pre", "code"})
CLASSES: Final = frozenset({"bodyclass", "coltype"})
"""Blocks of Django's templates that hold classes."""

_TWO_WORDS: Final = re.compile(r"[A-Za-z]{2,},? [A-Za-z]{2,}")
_LETTER: Final = re.compile(r"[A-Za-z]")
_NO_TEXT: Final = re.compile(r"<[^>]*>|\{[^}]*\}|\S*deferapp-\S*|&\w+;|%\(\w+\)s|%[A-Za-z]|\b(UTC|deferapp)\b")
"""Markup, places for values, and names that are the same in every language."""
_SQL: Final = re.compile(r"\b(SELECT|UNION ALL|SET LOCAL|INSERT INTO|NOT EXISTS|EXCEPT|FOR NO KEY|changed)\b| AS ")


def python_files() -> list[Path]:
    return [path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / room]]


def in_python(source: str) -> Iterator[str]:
    """Each text that is not translated, once for each place."""
    tree = ast.parse(source)
    quiet = {id(each) for node in _quiet(tree) for each in ast.walk(node)}
    for node in ast.walk(tree):
        text = _text(node)
        if text and id(node) not in quiet and _TWO_WORDS.search(_NO_TEXT.sub(" ", text)) and not _SQL.search(text):
            yield text
    yield from (text for node in _shown(tree) if id(node) not in quiet and (text := _words(node)))


def hidden(source: str) -> Iterator[int]:
    """Lines that translate what gettext's programs do not find: a variable, or a call within an f-string."""
    tree = ast.parse(source)
    within = {id(each) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for each in ast.walk(node)}
    for call in calls(tree):
        if call.message() is None or id(call.node) in within:
            yield call.node.lineno


def in_template(source: str) -> Iterator[str]:
    html = "".join(_source(compiled(source).nodelist))
    return filter(_is_text, Texts(html).found)


def _quiet(tree: ast.AST) -> Iterator[ast.AST]:
    """What is not shown, or is translated: docstrings, what is logged and raised, and calls that translate."""
    yield from (call.node for call in calls(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield from node.values
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node
        if isinstance(node, ast.Call) and _name(node.func) in {"debug", "info", "warning", "error", "exception"}:
            yield node
        if isinstance(node, ast.Raise) and not (isinstance(node.exc, ast.Call) and _name(node.exc.func) in SAYS):
            yield node


def _shown(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (keyword.value for keyword in node.keywords if keyword.arg in SHOWN)
            if _name(node.func) in SAYS | HTML:
                yield from node.args
        if isinstance(node, ast.Assign) and any(_name(target) in SHOWN for target in node.targets):
            yield node.value


def _words(node: ast.AST) -> str:
    text = _text(node)
    return text if _is_text(text) else ""


def _is_text(text: str) -> bool:
    """Whether anything is left to read without markup and names."""
    return _LETTER.search(_NO_TEXT.sub(" ", text)) is not None


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return ""


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _source(nodes: NodeList) -> Iterator[str]:
    """The template's own text; of a tag with a body the body, of all else a sign."""
    for node in nodes:
        if isinstance(node, BlockNode) and node.name in CLASSES:
            continue
        if isinstance(node, TextNode):
            yield node.s
        elif isinstance(node, (TranslateNode, BlockTranslateNode)):
            yield "·"
        else:
            yield from _bodies(node)


def _bodies(node: Node) -> Iterator[str]:
    lists = [getattr(node, attribute, None) or NodeList() for attribute in node.child_nodelists]
    lists += [nodes for _condition, nodes in getattr(node, "conditions_nodelists", ())]
    for nodes in lists:
        yield from _source(nodes)
    if not any(lists):
        yield "·"


class Texts(HTMLParser):
    """What a page shows or reads out, each text by itself; without what stands there as code."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        loud = LOUD | {"value"} if tag == "input" and ("type", "submit") in attrs else LOUD
        self.found += [value for name, value in attrs if name in loud and value]
        if tag in CODE:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._within:
            self._within.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.found.append(data.strip())
