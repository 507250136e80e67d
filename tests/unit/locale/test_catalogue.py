"""The catalogue of each language knows every text, says it in full, and is compiled as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polib
import pytest

from tests.unit.locale import messages
from tests.unit.locale.messages import PACKAGE, Message

CATALOGUES: Final = sorted(PACKAGE.glob("locale/*/LC_MESSAGES/django.po"))
_PLACE: Final = re.compile(r"%\(\w+\)[sd]|%%|%s|\{\w*\}")


@pytest.fixture(params=CATALOGUES, ids=lambda path: path.parts[-3])
def catalogue(request: pytest.FixtureRequest) -> polib.POFile:
    return polib.pofile(str(request.param))


def message_of(entry: polib.POEntry) -> Message:
    return Message(singular=entry.msgid, plural=entry.msgid_plural, context=entry.msgctxt or "")


def translations_of(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def places_in(text: str) -> list[str]:
    return sorted(_PLACE.findall(text))


def test_there_is_a_second_language() -> None:
    assert [path.parts[-3] for path in CATALOGUES] == ["de"]


def test_every_text_of_the_code_and_the_templates_is_in_the_catalogue_and_no_other(catalogue: polib.POFile) -> None:
    """Refreshed by `django-admin makemessages`, as CONTRIBUTING.md says."""
    known, said = {message_of(entry) for entry in catalogue}, messages.of_deferapp()
    assert {"missing": said - known, "gone": known - said} == {"missing": set(), "gone": set()}


def test_every_text_is_translated_for_certain(catalogue: polib.POFile) -> None:
    lacking = [entry.msgid for entry in catalogue if entry.fuzzy or not all(translations_of(entry))]
    assert not catalogue.metadata_is_fuzzy
    assert lacking == []
    assert not catalogue.obsolete_entries()


def test_translations_have_the_places_for_values_that_the_text_has(catalogue: polib.POFile) -> None:
    assert list(_other_places(catalogue)) == []


def _other_places(catalogue: polib.POFile) -> Iterator[str]:
    for entry in catalogue:
        if not entry.msgid_plural:
            allowed = [places_in(entry.msgid)]
        else:
            allowed = [places_in(entry.msgid), places_in(entry.msgid_plural)]
        yield from (text for text in translations_of(entry) if places_in(text) not in allowed)


def test_what_is_installed_is_compiled_from_what_is_written(catalogue: polib.POFile) -> None:
    compiled = polib.mofile(str(Path(catalogue.fpath).with_suffix(".mo")))
    written = {message_of(entry): translations_of(entry) for entry in catalogue}
    assert {message_of(entry): translations_of(entry) for entry in compiled} == written


def test_texts_are_found_by_whatever_name_a_function_is_imported_and_in_templates() -> None:
    code = """
from django.utils.translation import gettext as _, ngettext, pgettext_lazy as in_context
_("a" " b"); ngettext("%(n)s c", "%(n)s d", 2); in_context("state", "e"); gettext("of somebody else's")
"""
    template = """{% load i18n %}{% translate "f" %}{% translate "g" context "state" %}{{ x|default:_("h") }}
{% if x %}{% blocktranslate count n=x trimmed %}
  {{ n }} i
{% plural %}{{ n }} j{% endblocktranslate %}{% endif %}"""
    assert messages.of_python(code) == {
        Message(singular="a b"),
        Message(singular="%(n)s c", plural="%(n)s d"),
        Message(singular="e", context="state"),
    }
    assert messages.of_template(template) == {
        Message(singular="f"),
        Message(singular="g", context="state"),
        Message(singular="h"),
        Message(singular="%(n)s i", plural="%(n)s j"),
    }
