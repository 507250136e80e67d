"""Into its words a search is split: at spaces, but not inside of quotes."""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext as _

from deferapp.exceptions import SearchError

_WORD: Final = re.compile(r"""(?:[^\s"]|"[^"]*")+""")
_NEEDS_QUOTES: Final = re.compile(r"\s")


def split(text: str) -> list[str]:
    """The words, with their quotes taken away. Raises `SearchError` for a quote that does not close."""
    if text.count('"') % 2:
        raise SearchError(_('A " is not closed: %(text)s') % {"text": text[text.rindex('"') :][:100]})
    return [word for word in (match[0].replace('"', "") for match in _WORD.finditer(text)) if word]


def quoted(value: str) -> str:
    """The value as it stands after the colon of a word. (A quote itself cannot be searched for.)"""
    value = value.replace('"', "")
    return f'"{value}"' if _NEEDS_QUOTES.search(value) else value
