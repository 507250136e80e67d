"""A traceback for reading: the frames of one's own code open, those of libraries folded together.

A library's is a file in `site-packages`, in Python's own library, or in none at all (`<frozen …>`). Its honest limit:
code of one's own that is installed as a package counts as a library; a traceback without any frame of one's own is
left open.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deferapp.admin.values import SHOWN
from deferapp.redact import redact_text
from deferapp.visible import visible

_FRAME: Final = re.compile(r'^  File "(?P<path>[^"\n]*)", line \d+')
_INSTALLED: Final = re.compile(r"/(?:site|dist)-packages/(?P<package>[\w-]+)|^<(?!string|stdin|console)")
_STANDARD: Final = re.compile(r"/lib(?:64)?/python\d[\w.]*/")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Lines that belong together: frames of libraries, or anything else."""

    text: str
    frames: int
    libraries: tuple[str, ...] = ()
    """Whose frames they are; empty if they are not to be folded."""


def html(traceback: str) -> SafeString:
    """The traceback, redacted; a long one without its beginning, and it says so."""
    text = redact_text(traceback)
    parts = parsed(text[-SHOWN:])
    blocks = format_html_join("", "{}", ((_block(part),) for part in parts))
    note = _("Its beginning is left out.") if len(text) > SHOWN else ""
    return format_html(
        '<div class="deferapp-traceback" dir="ltr">{}</div><p class="deferapp-quiet">{}</p>', blocks, note
    )


def parsed(text: str) -> list[Part]:
    """The traceback's lines in parts, in order; joined by line breaks they are the text."""
    entries = list(_entries(text.rstrip("\n").split("\n")))
    are_all_foreign = all(library for library, _line in entries if library is not None)
    folded = lambda entry: bool(entry[0]) and not are_all_foreign  # noqa: E731
    return [_part(list(group), is_folded=is_folded) for is_folded, group in groupby(entries, key=folded)]


def _entries(lines: Iterable[str]) -> Iterator[tuple[str | None, str]]:
    """Each frame with the lines that belong to it and the library that it is of ("" for none); None for other lines."""
    library: str | None = None
    held: list[str] = []
    for line in lines:
        frame = _FRAME.match(line)
        if frame or not line.startswith("  "):
            if held:
                yield library, "\n".join(held)
            library, held = (library_of(frame["path"]) if frame else None), [line]
        else:
            held.append(line)
    if held:
        yield library, "\n".join(held)


def library_of(path: str) -> str:
    """The package that a file is of; "" for code of one's own."""
    path = path.replace("\\", "/")
    if found := _INSTALLED.search(path):
        return found["package"] or "python"
    is_standard = path.startswith(sysconfig.get_path("stdlib")) or _STANDARD.search(path)
    return "python" if is_standard else ""


def _part(entries: list[tuple[str | None, str]], *, is_folded: bool) -> Part:
    libraries = tuple(dict.fromkeys(library for library, _text in entries if library)) if is_folded else ()
    return Part(
        text="\n".join(text for _library, text in entries),
        frames=sum(library is not None for library, _text in entries),
        libraries=libraries,
    )


def _block(part: Part) -> SafeString:
    text = format_html('<pre tabindex="0">{}</pre>', visible(part.text))
    if not part.libraries:
        return text
    summary = ngettext("%(count)s frame of %(names)s", "%(count)s frames of %(names)s", part.frames)
    names = visible(", ".join(part.libraries[:4]) + (" …" if len(part.libraries) > 4 else ""))
    return format_html(
        "<details><summary>{}</summary>{}</details>", summary % {"count": part.frames, "names": names}, text
    )
