"""System checks: mistakes in declarations and settings, found before anything runs. Each id stays what it is."""

from __future__ import annotations

import difflib
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from deferapp import conf
from deferapp.dispatch.broker import celery_app
from deferapp.exceptions import DeclarationError
from deferapp.executions.prune import retention
from deferapp.functions import discover, registry
from deferapp.functions.config import as_policy

PICKLE: Final = "application/x-python-serialize"


@register(Tags.compatibility)
def check_declarations(**_kwargs: Any) -> list[CheckMessage]:
    """deferapp.E002 to E007: what is wrong with the project's functions, with file and line."""
    found = [*registry.problems(), *discover.problems()]
    return [Error(problem.message, hint=problem.hint, obj=problem.place, id=problem.id) for problem in found]


@register(Tags.compatibility)
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """deferapp.E001: keys of `DEFER` that mean nothing; deferapp.E008: values that cannot be used."""
    value = getattr(settings, "DEFER", {})
    if not isinstance(value, dict):
        return [Error("DEFER is not a dict.", hint="DEFER = {…}", obj="settings.DEFER", id="deferapp.E008")]
    messages: list[CheckMessage] = [_unknown_key(key) for key in value if key not in conf.KEYS]
    messages += [_not_a_number(key, value[key]) for key in conf.NUMBERS if not _is_number_from_0(value.get(key, 0))]
    try:
        retention()
    except ValueError as error:
        messages.append(Error(str(error), obj='settings.DEFER["RETENTION"]', id="deferapp.E008"))
    try:
        as_policy(value.get("RETRY", True))
    except DeclarationError as error:
        messages.append(Error(str(error), obj='settings.DEFER["RETRY"]', id="deferapp.E008"))
    return messages


@register(Tags.compatibility)
def check_installed_apps(**_kwargs: Any) -> list[CheckMessage]:
    """deferapp.E009: django-celery-beat is missing."""
    if apps.is_installed("django_celery_beat"):
        return []
    return [
        Error(
            "django_celery_beat is not in INSTALLED_APPS; schedules are kept there.",
            hint='Add "django_celery_beat" to INSTALLED_APPS and run `manage.py migrate`.',
            obj="settings.INSTALLED_APPS",
            id="deferapp.E009",
        )
    ]


@register(Tags.security)
def check_accept_content(**_kwargs: Any) -> list[CheckMessage]:
    """deferapp.W001: the project's Celery reads pickles."""
    if not {"pickle", PICKLE} & {str(each) for each in celery_app().conf.accept_content or ()}:
        return []
    return [
        Warning(
            "Celery accepts pickles: whoever can write into the broker can run any code in the workers.",
            hint='accept_content = ["json"]. The messages of background functions are JSON in any case.',
            obj="accept_content",
            id="deferapp.W001",
        )
    ]


def _is_number_from_0(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")


def _not_a_number(key: str, value: object) -> Error:
    # By its type alone: what stands in the wrong place may be a secret.
    kind = value if isinstance(value, (int, float)) else f"a {type(value).__qualname__}"
    return Error(f"DEFER[{key!r}] is a number from 0, not {kind}.", obj="settings.DEFER", id="deferapp.E008")


def _unknown_key(key: object) -> Error:
    near = difflib.get_close_matches(str(key).upper(), conf.KEYS, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(conf.KEYS)}."
    return Error(f"DEFER has no key {key!r}.", hint=hint, obj="settings.DEFER", id="deferapp.E001")
