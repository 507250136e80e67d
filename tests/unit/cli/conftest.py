"""The command line, called in this process."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from deferapp.functions import registry
from deferapp.functions.function import BackgroundFunction
from tests.unit.rows import function_named

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command printed, and what it ended with."""

    out: str
    error: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def ask(*words: str, **options: Any) -> Answer:
    """`manage.py defer` with these words."""
    out, err, code, error = io.StringIO(), io.StringIO(), 0, ""
    try:
        call_command("defer", *words, stdout=out, stderr=err, **options)
    except CommandError as raised:
        error, code = str(raised), raised.returncode
    except SystemExit as ended:
        code = int(ended.code or 0)
    return Answer(out=out.getvalue(), error=error or err.getvalue(), code=code)


@pytest.fixture
def functions(empty_registry: None) -> dict[str, BackgroundFunction[..., Any]]:
    """Functions of two apps, two of which share the end of their names."""
    names = ("shop.defer.mail", "shop.defer.prune", "web.defer.prune", "web.defer.refresh_token")
    for name in names:
        registry.register(function_named(name))
    return {name: registry._functions[name] for name in names}
