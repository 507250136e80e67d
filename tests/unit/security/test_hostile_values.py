"""Texts of the ledger that an attacker wrote load nothing else, and callers of a URL cannot write such texts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from deferapp.exceptions import ArgumentGone, ValueCorrupt
from deferapp.executions.values import decode_call, decode_result, encode_call
from tests.shop.defer.note import note
from tests.unit.web.requests import post

COLOURS = "import enum\n\nclass Colour(enum.Enum):\n    RED = 1\n"


@pytest.fixture
def unused(make_package: Callable[..., str]) -> str:
    """A package that is installed, and that nobody has imported anything of."""
    return make_package("unused", {"colours.py": COLOURS})


def test_an_enum_of_a_package_that_nobody_uses_is_not_imported(unused: str) -> None:
    for place in (f"{unused}.colours:Colour", f"{unused}:Colour"):
        with pytest.raises(ValueCorrupt):
            decode_result(json.dumps({"$enum": [place, "RED"]}))
    assert not [name for name in sys.modules if name.startswith(unused)]


def test_an_enum_of_an_installed_app_is_imported_where_it_has_not_been(
    unused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = AppConfig.create(unused)
    for name in [name for name in sys.modules if name.startswith(unused)]:
        del sys.modules[name]
    monkeypatch.setattr(apps, "get_app_configs", lambda: [app])
    assert decode_result(json.dumps({"$enum": [f"{unused}.colours:Colour", "RED"]})).name == "RED"


@pytest.mark.parametrize("place", ["antigravity:x", "this:x", "idlelib.run:x", "turtledemo.clock:x"])
def test_modules_that_do_something_when_they_are_imported_are_not(place: str) -> None:
    module = place.partition(":")[0]
    with pytest.raises(ValueCorrupt):
        decode_result(json.dumps({"$enum": [place, "RED"]}))
    assert module not in sys.modules


@pytest.mark.django_db
@pytest.mark.parametrize("pk", [10**30, -1, "1 OR 1=1", "' OR ''='", "\u0000", "x" * 100_000, None])
def test_a_reference_with_a_hostile_key_is_a_row_that_is_gone_or_corrupt(pk: Any) -> None:
    User.objects.create_user("ada")
    with pytest.raises((ArgumentGone, ValueCorrupt)):
        decode_result(json.dumps({"$model": ["auth.User", "default", pk]}))


@pytest.mark.django_db
def test_the_error_about_a_text_does_not_quote_it() -> None:
    hostile = [
        {"$date": "hunter2"},
        {"$uuid": "hunter2"},
        {"$decimal": "hunter2"},
        {"$enum": ["enum:hunter2", "hunter2"]},
        {"$model": ["auth.User", "default", "hunter2"]},
        {"$model": ["sessions.Session", "default", "hunter2"]},
    ]
    for each in hostile:
        with pytest.raises((ArgumentGone, ValueCorrupt)) as refused:
            decode_call(json.dumps({"args": [{"password": each}]}))
        assert "hunter2" not in str(refused.value)
        assert refused.value.__cause__ is None


TAGS = {
    "$model": ["auth.User", "default", 1],
    "$enum": ["tests.shop.defer.note:note", "x"],
    "$date": "2024-02-29",
    "$datetime": "2024-02-29T08:00:00",
    "$time": "08:00",
    "$timedelta": [1, 0, 0],
    "$decimal": "1",
    "$uuid": "0" * 32,
    "$nothing": 1,
    "$": 1,
}


@pytest.mark.urls("tests.unit.web.urls")
@pytest.mark.usefixtures("queue", "transactional_db")
@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("dollars", ["", "$", "$$"])
def test_what_a_caller_of_a_url_sends_comes_back_as_they_sent_it(client: Client, tag: str, dollars: str) -> None:
    from deferapp.models import Execution

    sent = {f"{dollars}{tag}": TAGS[tag]}
    for arguments in ([sent], [[{"deep": [sent]}]], {"text": sent}):
        answer = post(client, "/note/", arguments)
        assert answer.status_code == 202, answer.content
        args, kwargs = decode_call(Execution.objects.get(id=answer.json()["id"]).arguments_json)
        assert (args or kwargs) == arguments


def test_no_argument_is_written_as_a_tag_of_another() -> None:
    session = {"$model": ["sessions.Session", "default", "x"]}
    text = encode_call("note", note.signature, ({"$date": session, "a": session},), {})
    assert decode_call(text) == ([{"$date": session, "a": session}], {})
    assert Session._meta.label not in text.replace('"$$model":["sessions.Session"', "")


def test_neither_pickle_nor_yaml_nor_eval_is_anywhere_in_the_code() -> None:
    import deferapp

    for path in Path(deferapp.__file__).parent.rglob("*.py"):
        code = path.read_text()
        for word in ("import pickle", "import marshal", "import shelve", "import yaml", "eval(", "exec(", "os.system"):
            assert word not in code, (path, word)
