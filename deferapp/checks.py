"""System checks: mistakes in declarations and settings, found before anything runs. Each id stays what it is."""

from __future__ import annotations

import difflib
import importlib.util
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.utils.module_loading import import_string

from deferapp import conf
from deferapp.alerts import channels
from deferapp.alerts.channels.channel import ADMINS
from deferapp.dispatch.broker import celery_app
from deferapp.exceptions import DeclarationError
from deferapp.executions.prune import retention
from deferapp.functions import discover, registry
from deferapp.functions.config import as_policy
from deferapp.observe.names import is_setting as is_observable

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
    if not is_observable(value.get("OBSERVE_CELERY_TASKS", False)):
        hint = 'True for all tasks, or a list of names, as in ["shop.tasks.*"].'
        messages.append(
            Error("DEFER['OBSERVE_CELERY_TASKS'] names no tasks.", hint=hint, obj=_DEFER, id="deferapp.E008")
        )
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
def check_alerts(**_kwargs: Any) -> list[CheckMessage]:
    """deferapp.E010 to E013 and W002: what is wrong with those whom alerts are sent to."""
    try:
        found = channels.configured()
    except ValueError as error:
        hint = 'As in DEFER = {"ALERTS": [{"slack": "https://hooks.slack.com/services/…"}, {"email": "admins"}]}'
        return [Error(f"{_ALERTS}: {error}.", hint=hint, obj=_ALERTS, id="deferapp.E010")]
    messages = [message for channel in found if (message := _unusable(channel))]
    return [*messages, *_unusable_texts()]


_DEFER: Final = "settings.DEFER"
_ALERTS: Final = 'settings.DEFER["ALERTS"]'
_LONGEST_ENVIRONMENT: Final = 40


def _unusable(channel: channels.Channel) -> CheckMessage | None:
    """A channel that is well written, and leads nowhere."""
    if channel.kind == "slack" and importlib.util.find_spec("slack_sdk") is None:
        hint = "pip install 'deferapp[slack]'"
        return Error(f"{channel.name} needs slack-sdk.", hint=hint, obj=_ALERTS, id="deferapp.E011")
    if channel.kind == "call" and (complaint := _not_callable(channel.target)):
        hint = "Name a function that takes a deferapp.alerts.Message."
        return Error(f"{channel.name}: {complaint}", hint=hint, obj=_ALERTS, id="deferapp.E012")
    if channel.target == ADMINS and not settings.ADMINS:
        hint = "Set ADMINS, or give a list of addresses."
        return Warning(f"{channel.name}: settings.ADMINS is empty.", hint=hint, obj=_ALERTS, id="deferapp.W002")
    return None


def _unusable_texts() -> list[CheckMessage]:
    """deferapp.E013: what messages say of the project."""
    messages: list[CheckMessage] = []
    site, environment = conf.current().SITE_URL, conf.current().ENVIRONMENT
    if not isinstance(site, str) or (site and not site.startswith(("https://", "http://"))):
        hint = 'DEFER = {"SITE_URL": "https://shop.example"}'
        messages.append(Error("DEFER['SITE_URL'] is no web address.", hint=hint, obj=_DEFER, id="deferapp.E013"))
    if not isinstance(environment, str) or len(environment) > _LONGEST_ENVIRONMENT:
        text = f"DEFER['ENVIRONMENT'] is no text of up to {_LONGEST_ENVIRONMENT} characters."
        messages.append(Error(text, hint='As in "production".', obj=_DEFER, id="deferapp.E013"))
    return messages


def _not_callable(path: str) -> str:
    try:
        return "" if callable(import_string(path)) else "it is not callable."
    except Exception as error:
        return f"it cannot be imported: {error}"


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
