"""What a person does to a function: run it now, with arguments in JSON; pause and resume it."""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from deferapp.exceptions import DeferError
from deferapp.executions import enqueue, pauses
from deferapp.executions.ids import keyed_id
from deferapp.functions.function import ScheduledFunction
from deferapp.functions.registry import AnyFunction
from deferapp.models import Execution, ledger
from deferapp.visible import visible

RUN: Final = "run"
PAUSE: Final = "pause"
RESUME: Final = "resume"
PERMISSIONS: Final = {RUN: "run_execution", PAUSE: "pause_schedule", RESUME: "pause_schedule"}


class NotRun(DeferError):
    """The arguments do not fit."""


def run(function: AnyFunction, text: str, wish: str) -> tuple[Execution, bool]:
    """Enqueue an execution, and say whether it is new: the same wish, as of a form that is sent twice, makes one.

    Raises `NotRun`, with words for a person, if the text is no arguments of the function.
    """
    args, kwargs = ([], {}) if isinstance(function, ScheduledFunction) else _arguments(text)
    key = f"admin:{_wish(wish)}"
    is_known = Execution.objects.using(ledger()).filter(pk=keyed_id(function.name, key)).exists()
    try:
        function.signature.bind(*args, **kwargs)
        return enqueue.one(function.options(key=key), args, kwargs), not is_known
    except (TypeError, DeferError) as error:
        raise NotRun(visible(str(error))[:500]) from None


def pause(name: str) -> None:
    pauses.pause(name)


def resume(name: str) -> None:
    pauses.resume(name)


def _arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    try:
        value = json.loads(text) if text.strip() else []
    except (ValueError, RecursionError) as error:
        raise NotRun(_("This is no JSON: %(error)s") % {"error": visible(str(error))[:200]}) from None
    if isinstance(value, list):
        return value, {}
    if isinstance(value, dict):
        return [], value
    raise NotRun(_('Arguments are a list, as in [7, "tea"], or an object of names, as in {"user_id": 7}.'))


def _wish(text: str) -> str:
    try:
        return UUID(text).hex
    except ValueError:
        raise NotRun(_("The form is incomplete; load the page again.")) from None
