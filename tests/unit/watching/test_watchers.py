"""What watches bodies and enqueues from outside, and can harm neither."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from deferapp.executions import watchers
from deferapp.models import Execution

EXECUTION = Execution(function="shop.defer.mail")


@pytest.fixture(autouse=True)
def _own_watchers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "bodies", [])
    monkeypatch.setattr(watchers, "carriers", [])


def test_watchers_are_entered_in_turn_and_left_the_other_way_round_with_what_was_raised() -> None:
    heard: list[Any] = []

    def watching(name: str) -> Any:
        @contextmanager
        def watch(execution: Execution) -> Iterator[None]:
            heard.append((name, execution))
            try:
                yield
            except ValueError as error:
                heard.append((name, error))
                raise

        return watch

    watchers.bodies.extend((watching("a"), watching("b")))
    wrong = ValueError("wrong")
    with pytest.raises(ValueError, match="wrong"), watchers.around(EXECUTION):
        raise wrong
    assert heard == [("a", EXECUTION), ("b", EXECUTION), ("b", wrong), ("a", wrong)]


@pytest.mark.parametrize("when", ["made", "entered", "left", "swallowing"])
def test_a_watcher_that_fails_or_swallows_changes_nothing(when: str, caplog: pytest.LogCaptureFixture) -> None:
    @contextmanager
    def broken(_execution: Execution) -> Iterator[None]:
        if when == "entered":
            raise LookupError
        try:
            yield
        except KeyError:
            if when == "left":
                raise LookupError from None

    def unmade(_execution: Execution) -> Any:
        raise LookupError

    watchers.bodies.append(unmade if when == "made" else broken)
    with pytest.raises(KeyError), watchers.around(EXECUTION):
        raise KeyError
    assert len([each for each in caplog.records if each.levelno == logging.ERROR]) == (when != "swallowing")


def test_what_an_execution_carries_is_added_to_its_own_metadata(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_function: str, _id: object) -> dict[str, str]:
        raise LookupError

    id = uuid4()
    watchers.carriers.extend((broken, lambda function, of: {"of": f"{function} {of}"}))
    own = {"tenant": "acme"}
    assert watchers.carried("shop.defer.mail", id, own) == {"tenant": "acme", "of": f"shop.defer.mail {id}"}
    assert own == {"tenant": "acme"}
    assert len(caplog.records) == 1


@pytest.mark.parametrize("name", ["executions.watchers", "watching.sentry", "watching.otel"])
def test_settings_may_import_it_before_any_model_is_loaded(name: str) -> None:
    code = f"import sys, deferapp.{name}; assert not {{'deferapp.models', 'django.views.debug'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
