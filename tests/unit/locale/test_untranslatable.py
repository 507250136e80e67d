"""No text that people see is out of reach of translators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.locale import literals, messages
from tests.unit.locale.messages import PACKAGE

CONFIGURATION: Final = "what is wrong with the settings, which a check or an error says in English"
RECORDED: Final = "recorded for whoever looks, in whatever language; records are English"
ENGLISH: Final = {
    "alerts/channels/channel.py": CONFIGURATION,
    "alerts/channels/mail.py": CONFIGURATION,
    "alerts/send.py": RECORDED,
}
"""Files whose plain texts are meant to be."""


def found(look: Callable[[str], Iterator[Any]], paths: Iterable[Path]) -> dict[str, list[Any]]:
    looked = {path.relative_to(PACKAGE).as_posix(): list(look(path.read_text())) for path in paths}
    return {name: each for name, each in looked.items() if each}


def test_code_whose_texts_people_see_has_them_translated() -> None:
    """And no exception is kept for longer than it is needed."""
    untranslated = found(literals.in_python, literals.python_files())
    assert {name: texts for name, texts in untranslated.items() if name not in ENGLISH} == {}
    assert set(ENGLISH) <= set(untranslated)


def test_templates_have_no_text_outside_of_tags_that_translate() -> None:
    assert found(literals.in_template, messages.templates()) == {}


def test_what_is_translated_is_found_by_those_who_collect_it() -> None:
    assert found(literals.hidden, messages.python_files()) == {}


@pytest.mark.parametrize("code", ['_(f"{count} late")', "_(name)", """f"{_('late')}\""""])
def test_text_that_is_hidden_from_those_who_collect_it_is_found(code: str) -> None:
    assert len(list(literals.hidden(f"from django.utils.translation import gettext as _\n{code}"))) == 1


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ('return "It is late."', "It is late."),
        ('return f"{count} of them failed"', "{} of them failed"),
        ('@admin.display(description="due")\ndef due(self): ...', "due"),
        ('verbose_name = "alert"', "alert"),
        ('self.message_user(request, "Done.")', "Done."),
        ('raise ValidationError("Wrong.")', "Wrong."),
        ('format_html("<b>late</b> {}", time)', "<b>late</b> {}"),
    ],
)
def test_text_that_is_forgotten_in_code_is_found(code: str, text: str) -> None:
    assert text in list(literals.in_python(f"from django.utils.translation import gettext as _\n{code}"))


@pytest.mark.parametrize(
    "code",
    [
        '"""What this is for."""',
        'return _("It is late.")',
        'logger.warning("%s was late", name)',
        'raise TypeError("a number is wanted")',
        'format_html(\'<b class="deferapp-late">{}</b>\', _("late"))',
        'return f"deferapp-card deferapp-{kind}"',
    ],
)
def test_what_nobody_sees_need_not_be_translated(code: str) -> None:
    assert list(literals.in_python(f"from django.utils.translation import gettext as _\n{code}")) == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Late</p>", "Late"),
        ("{% if x %}<p>{{ x }} runs</p>{% endif %}", "runs"),
        ('<a title="Late">{{ x }}</a>', "Late"),
        ('<input type="submit" value="Save">', "Save"),
        ('<b aria-label="{% if x %}late{% endif %}">', "late"),
    ],
)
def test_text_that_is_forgotten_in_a_template_is_found(source: str, text: str) -> None:
    assert any(text in each for each in literals.in_template(source))
