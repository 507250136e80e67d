"""The texts that deferapp asks Django to translate, read from its code and its templates without gettext's programs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.template import Template, engines
from django.template.base import Node
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

import deferapp

PACKAGE: Final = Path(deferapp.__file__).parent
TRANSLATION: Final = ("django.utils.translation", "deferapp.wording")
_LAZY: Final = "_lazy"
_PLACES: Final = {
    "gettext": ("singular",),
    "gettext_noop": ("singular",),
    "ngettext": ("singular", "plural"),
    "pgettext": ("context", "singular"),
    "npgettext": ("context", "singular", "plural"),
}
"""What each function of Django's takes first."""
_WITHIN_A_TAG: Final = re.compile(r"""[:=\s]_\("([^"]+)"\)""")
"""As in `{{ name|default:_("none") }}`."""


@dataclass(frozen=True, kw_only=True)
class Message:
    singular: str
    plural: str = ""
    context: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a function that translates."""

    node: ast.Call
    takes: tuple[str, ...]

    def message(self) -> Message | None:
        """None if what it is given is no text that stands there."""
        texts = [each.value for each in self.node.args[: len(self.takes)] if isinstance(each, ast.Constant)]
        if len(texts) < len(self.takes):
            return None
        return Message(**dict(zip(self.takes, texts, strict=True)))


def python_files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


def templates() -> list[Path]:
    return sorted(PACKAGE.rglob("templates/**/*.html"))


def calls(tree: ast.AST) -> Iterator[Call]:
    """The calls that translate, by whatever name the module has imported the function."""
    names = {
        alias.asname or alias.name: _PLACES[alias.name.removesuffix(_LAZY)]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in TRANSLATION
        for alias in node.names
        if alias.name.removesuffix(_LAZY) in _PLACES
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield Call(node=node, takes=names[node.func.id])


def compiled(source: str) -> Template:
    return Template(source, engine=engines["django"].engine)


def of_python(source: str) -> set[Message]:
    return {message for call in calls(ast.parse(source)) if (message := call.message())}


def of_template(source: str) -> set[Message]:
    nodes = compiled(source).nodelist
    plain = {_plain(node) for node in nodes.get_nodes_by_type(TranslateNode)}
    within = {Message(singular=text) for text in _WITHIN_A_TAG.findall(source)}
    return plain | within | {_block(node) for node in nodes.get_nodes_by_type(BlockTranslateNode)}


def of_deferapp() -> set[Message]:
    found: set[Message] = set()
    for path in python_files():
        found |= of_python(path.read_text())
    for path in templates():
        found |= of_template(path.read_text())
    return found


def _plain(node: Node) -> Message:
    return Message(singular=str(node.filter_expression.var.literal), context=_context(node))


def _block(node: Node) -> Message:
    singular, _names = node.render_token_list(node.singular)
    plural = node.render_token_list(node.plural)[0] if node.plural else ""
    return Message(singular=singular, plural=plural, context=_context(node))


def _context(node: Node) -> str:
    return str(node.message_context.var) if node.message_context else ""
