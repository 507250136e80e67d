"""`defer` and `defer.cron` in all their forms."""

from __future__ import annotations

import asyncio
import functools
import inspect
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deferapp import RetryPolicy, defer
from deferapp.exceptions import DeclarationError, DeferError, ScheduledFunctionError
from deferapp.functions import registry
from deferapp.functions.function import BackgroundFunction, ScheduledFunction

pytestmark = pytest.mark.usefixtures("empty_registry")

ROOT = Path(__file__).parents[3]


def compute(user: int, *, scale: float = 1.0) -> float:
    """Compute it."""
    return user * scale


async def acompute(user: int, *, scale: float = 1.0) -> float:
    """Compute it."""
    return user * scale


def weekly() -> str:
    return "done"


async def aweekly() -> str:
    return "done"


FORMS = {
    "defer(fn)": lambda fn: defer(fn),
    "defer(fn, retry=3)": lambda fn: defer(fn, retry=3),
    "@defer": lambda fn: defer(fn),
    "@defer()": lambda fn: defer()(fn),
    "@defer(retry=3)": lambda fn: defer(retry=3)(fn),
}

CRON_FORMS = {
    "defer.cron(fn, frequency)": lambda fn: defer.cron(fn, "0 8 * * 1"),
    "defer.cron(fn, frequency, retry=3)": lambda fn: defer.cron(fn, "0 8 * * 1", retry=3),
    "@defer.cron(frequency)": lambda fn: defer.cron("0 8 * * 1")(fn),
    "@defer.cron(frequency, retry=3)": lambda fn: defer.cron("0 8 * * 1", retry=3)(fn),
}

Form = Callable[[Callable[..., Any]], Any]


@pytest.mark.parametrize("plain", [compute, acompute], ids=["sync", "async"])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_makes_a_background_function_that_is_registered(form: str, plain: Callable[..., Any]) -> None:
    function = FORMS[form](plain)
    assert type(function) is BackgroundFunction
    assert function.func is plain
    assert function.is_async == inspect.iscoroutinefunction(plain)
    assert function.config.retry == (3 if "retry" in form else None)
    assert registry.get(f"{__name__}.{plain.__name__}") is function
    assert registry.problems() == []


@pytest.mark.parametrize("plain", [weekly, aweekly], ids=["sync", "async"])
@pytest.mark.parametrize("form", CRON_FORMS)
def test_each_form_of_cron_makes_a_scheduled_function(form: str, plain: Callable[..., Any]) -> None:
    function = CRON_FORMS[form](plain)
    assert type(function) is ScheduledFunction
    assert (function.func, function.frequency, function.catch_up) == (plain, "0 8 * * 1", "latest")
    assert function.config.retry == (3 if "retry" in form else None)
    assert registry.scheduled() == [function]


def test_the_function_keeps_its_name_words_and_signature() -> None:
    function = defer(compute)
    assert (function.__name__, function.__doc__, function.__module__) == ("compute", "Compute it.", __name__)
    assert function.__wrapped__ is compute
    assert inspect.signature(function) == function.signature == inspect.signature(compute)
    assert repr(function) == f"<BackgroundFunction {__name__}.compute>"


def test_the_plain_function_can_be_called() -> None:
    assert defer(compute).func(2, scale=1.5) == 3
    assert asyncio.run(defer(acompute).func(2, scale=1.5)) == 3


def test_a_function_in_a_file_of_its_own_has_the_files_name(make_package: Callable[..., str]) -> None:
    make_package("kiosk", {"defer/__init__.py": "", "defer/mail.py": "def mail(): ...\ndef other(): ..."})
    from kiosk.defer import mail

    assert defer(mail.mail).name == "kiosk.defer.mail"
    assert defer(mail.other).name == "kiosk.defer.mail.other"


def test_a_declared_function_can_be_declared_anew() -> None:
    function = defer(defer(compute, retry=3), retry=5)
    assert (function.func, function.config.retry) == (compute, 5)
    assert registry.get(function.name) is function
    assert registry.problems() == []


def test_scheduled_functions_are_listed_by_name() -> None:
    first, second = defer.cron(weekly, "0 8 * * 1"), defer.cron(aweekly, "0 8 * * 1")
    defer(compute)
    assert registry.scheduled() == [second, first]


@pytest.mark.parametrize("plain", [weekly, aweekly])
@pytest.mark.parametrize("arguments", [(), (1,)])
def test_a_scheduled_function_is_not_called(plain: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    function = defer.cron(plain, "0 8 * * 1")
    with pytest.raises(ScheduledFunctionError, match=rf"{plain.__name__}\.run_now\(\)") as raised:
        function(*arguments)
    assert isinstance(raised.value, (TypeError, DeferError))


@pytest.mark.parametrize("wrong", [None, 3, "compute", int, BackgroundFunction])
def test_what_is_no_function_is_refused(wrong: Any) -> None:
    with pytest.raises(DeclarationError, match="takes a function"):
        defer(retry=3)(wrong) if wrong is not None else defer.cron(wrong, "0 8 * * 1")


@pytest.mark.parametrize("wrong", ["never", "", None, 1])
def test_a_catch_up_that_there_is_not_is_refused(wrong: Any) -> None:
    with pytest.raises(DeclarationError, match="'latest', 'all' or 'none'"):
        defer.cron(weekly, "0 8 * * 1", catch_up=wrong)


class Callable_:
    def __call__(self) -> None: ...

    def method(self) -> None: ...


@pytest.mark.parametrize(
    "plain",
    [lambda: None, functools.partial(compute, 1), Callable_(), Callable_().method, Callable_.method, print],
    ids=["lambda", "partial", "object", "bound method", "method", "builtin"],
)
def test_what_a_worker_could_not_import_is_reported_and_not_registered(plain: Any) -> None:
    defer(plain)
    (problem,) = registry.problems()
    assert problem.id == "deferapp.E004"
    assert registry.functions() == []


def test_declaring_needs_no_settings_and_loads_no_models() -> None:
    code = """
        import sys
        from deferapp import RetryPolicy, current_execution, defer

        @defer(retry={"max_attempts": 3})
        async def compute(user): ...

        @defer.cron("0 8 * * 1")
        def weekly(): ...

        assert current_execution() is None
        try:
            weekly()
        except TypeError as error:
            print(error)
        from django.conf import settings
        assert not settings.configured
        loaded = [name for name in sys.modules if name.startswith(("deferapp.models", "django.db.models", "celery"))]
        assert not loaded, loaded
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "weekly.run_now()" in done.stdout


def test_the_public_names_are_found_and_others_are_not() -> None:
    import deferapp

    assert {"defer", "current_execution", "RetryPolicy"} <= set(dir(deferapp))
    assert deferapp.RetryPolicy is RetryPolicy
    with pytest.raises(AttributeError, match="has no attribute 'undefer'"):
        _ = deferapp.undefer
