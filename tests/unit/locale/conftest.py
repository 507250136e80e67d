"""A language in which every text that can be translated stands between brackets, so that the others are seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import django
import django_celery_beat
import polib
import pytest

from tests.unit.locale import messages


@pytest.fixture(scope="session")
def bracketing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for LOCALE_PATHS whose German is what the code says, in brackets: Django's texts and beat's too."""
    folder = tmp_path_factory.mktemp("locale")
    catalogue = polib.POFile()
    catalogue.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    catalogue.extend(_entry(message) for message in messages.of_deferapp() | set(_of_others()))
    (folder / "de" / "LC_MESSAGES").mkdir(parents=True)
    catalogue.save_as_mofile(str(folder / "de" / "LC_MESSAGES" / "django.mo"))
    return folder


@pytest.fixture
def brackets(bracketing: Path, settings: Any) -> None:
    """Pages are in that language."""
    settings.LOCALE_PATHS = [str(bracketing)]
    settings.LANGUAGE_CODE = "de"


def _of_others() -> Iterator[messages.Message]:
    root = Path(django.__file__).parent
    files: Iterable[Path] = [
        root / "conf/locale/en/LC_MESSAGES/django.po",
        *root.glob("contrib/*/locale/en/LC_MESSAGES/django.po"),
        *Path(django_celery_beat.__file__).parent.glob("locale/de/LC_MESSAGES/django.po"),
    ]
    for path in files:
        for each in polib.pofile(str(path)):
            yield messages.Message(singular=each.msgid, plural=each.msgid_plural, context=each.msgctxt or "")


def _entry(message: messages.Message) -> polib.POEntry:
    known = {"msgid": message.singular, "msgctxt": message.context or None}
    if not message.plural:
        return polib.POEntry(**known, msgstr=_bracketed(message.singular))
    forms = {0: _bracketed(message.singular), 1: _bracketed(message.plural)}
    return polib.POEntry(**known, msgid_plural=message.plural, msgstr_plural=forms)


def _bracketed(text: str) -> str:
    return f"⟦{text}⟧"
