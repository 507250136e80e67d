"""Whom alerts are sent to: how settings are read, what `manage.py check` says of them, mail and callables."""

from __future__ import annotations

import importlib.util
import threading
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import override_settings

from deferapp import checks, conf
from deferapp.alerts import channels
from deferapp.alerts.channels import call, configured
from deferapp.alerts.channels.mail import TIMEOUT_SECONDS
from deferapp.alerts.message import Message
from tests.unit.alerts.rows import channel
from tests.waiting import wait_until

SECRET = "https://hooks.slack.com/services/T0/B0/secret"
MESSAGE = Message(kind="opened", header="✕ ValueError\nin mail", summary="ValueError: no", delivery_id=7)


def names(*alerts: Any) -> list[str]:
    return [each.name for each in configured_with(*alerts)]


def configured_with(*alerts: Any) -> list[channels.Channel]:
    with override_settings(DEFER={"ALERTS": list(alerts)}):
        return configured()


def test_channels_have_names_without_secrets() -> None:
    assert names(
        {"slack": SECRET},
        {"slack": {"token": "xoxb-secret", "channel": "#ops"}},
        {"email": ["a@shop.example", "b@shop.example"]},
        {"email": "admins"},
        {"call": "shop.alerts.tell"},
        {"slack": SECRET, "name": "night shift"},
    ) == [
        "slack",
        "slack #ops",
        "email a@shop.example, b@shop.example",
        "email admins",
        "call shop.alerts.tell",
        "night shift",
    ]


def test_channels_of_one_name_are_numbered() -> None:
    assert names({"slack": SECRET}, {"slack": SECRET}, {"slack": SECRET}) == ["slack", "slack 2", "slack 3"]


def test_a_channel_does_not_show_its_secret() -> None:
    assert "secret" not in repr(configured_with({"slack": SECRET}))


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (SECRET, "channel 1 is a dict"),
        ({}, "one of slack, email, call, not none"),
        ({"slack": SECRET, "email": "admins"}, "not slack and email"),
        ({"slak": SECRET}, "no key 'slak'"),
        ({"slack": 7}, "slack is the URL of a webhook"),
        ({"slack": "hooks.slack.com/secret"}, "slack is the URL of a webhook"),
        ({"slack": {"token": "secret"}}, 'slack is the URL of a webhook, or {"token"'),
        ({"slack": {"token": "", "channel": "#ops"}}, "texts"),
        ({"slack": {"token": "x", "channel": "#ops", "colour": "red"}}, "slack is"),
        ({"email": []}, "a list of addresses"),
        ({"email": "ops@shop.example"}, "a list of addresses"),
        ({"email": ["ops"]}, "no address"),
        ({"email": [7]}, "no address"),
        ({"call": "tell"}, "dotted path"),
        ({"call": print}, "dotted path"),
        ({"email": "admins", "name": ""}, "its name"),
        ({"email": "admins", "name": "x" * 201}, "its name"),
    ],
)
def test_what_is_no_channel_is_refused_without_quoting_it(entry: Any, complaint: str) -> None:
    with pytest.raises(ValueError) as refusal:
        configured_with(entry)
    assert complaint in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("alerts", ["slack", {"slack": SECRET}, 7, None])
def test_what_is_no_list_is_refused(alerts: Any, settings: LazySettings) -> None:
    settings.DEFER = {"ALERTS": alerts}
    with pytest.raises(ValueError, match="a list of channels"):
        configured()


def found(settings: LazySettings, **defer: Any) -> list[tuple[str | None, str]]:
    settings.DEFER = defer
    return [(message.id, str(message.msg)) for message in checks.check_alerts()]


def test_a_channel_that_cannot_be_is_an_error(settings: LazySettings) -> None:
    ((number, text),) = found(settings, ALERTS=[{"slack": 7}])
    assert number == "deferapp.E010"
    assert "channel 1: slack is the URL of a webhook" in text


def test_slack_without_slack_sdk_is_an_error_that_says_what_to_install(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(settings, ALERTS=[{"slack": SECRET}]) == []
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert found(settings, ALERTS=[{"slack": SECRET}]) == [("deferapp.E011", "slack needs slack-sdk.")]
    assert "deferapp[slack]" in str(checks.check_alerts()[0].hint)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [("shop.nowhere.tell", "cannot be imported"), ("django.VERSION", "not callable"), ("django.nothing", "imported")],
)
def test_a_path_that_leads_to_no_callable_is_an_error(settings: LazySettings, path: str, complaint: str) -> None:
    ((number, text),) = found(settings, ALERTS=[{"call": path}])
    assert number == "deferapp.E012"
    assert complaint in text


def test_mail_to_admins_that_there_are_none_of_is_a_warning(settings: LazySettings) -> None:
    assert [number for number, _ in found(settings, ALERTS=[{"email": "admins"}])] == ["deferapp.W002"]
    settings.ADMINS = [("Ada", "ada@shop.example")]
    assert found(settings, ALERTS=[{"email": "admins"}]) == []


@pytest.mark.parametrize(
    "defer", [{"SITE_URL": "shop.example"}, {"SITE_URL": 7}, {"ENVIRONMENT": 7}, {"ENVIRONMENT": "x" * 41}]
)
def test_texts_that_messages_cannot_use_are_errors(settings: LazySettings, defer: dict[str, Any]) -> None:
    assert [number for number, _ in found(settings, **defer)] == ["deferapp.E013"]


def test_nothing_is_wrong_with_the_defaults(settings: LazySettings) -> None:
    assert found(settings) == []
    assert conf.current().ALERTS == ()


def test_a_mail_has_all_of_the_message_and_an_id_that_stays_the_same(settings: LazySettings) -> None:
    settings.SERVER_EMAIL = "Server <server@shop.example>"
    to_ops = channel("email", ["ops@shop.example"])
    assert channels.send(to_ops, MESSAGE).error == ""
    channels.send(to_ops, MESSAGE)
    first, second = mail.outbox
    assert first.to == ["ops@shop.example"]
    assert first.from_email == settings.SERVER_EMAIL
    assert first.subject == f"{settings.EMAIL_SUBJECT_PREFIX}✕ ValueError in mail"
    assert "ValueError: no" in first.body
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
    assert first.extra_headers["Message-ID"] == "<deferapp-alert-7@shop.example>"


@pytest.mark.parametrize("admins", [[("Ada", "ada@shop.example")], ["ada@shop.example"]])
def test_admins_are_pairs_or_addresses(settings: LazySettings, admins: Any) -> None:
    settings.ADMINS = admins
    channels.send(channel("email", "admins"), MESSAGE)
    assert mail.outbox[0].to == ["ada@shop.example"]


def test_without_admins_no_mail_is_sent(settings: LazySettings) -> None:
    settings.ADMINS = []
    answer = channels.send(channel("email", "admins"), MESSAGE)
    assert (answer.needs_a_person, mail.outbox) == (True, [])


def test_mail_by_smtp_has_a_limit_of_time(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def connection(**options: Any) -> Any:
        asked.append(options)
        raise OSError("no server")

    monkeypatch.setattr("deferapp.alerts.channels.mail.get_connection", connection)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    for limit in (None, 30):
        settings.EMAIL_TIMEOUT = limit
        assert channels.send(channel("email", ["ops@shop.example"]), MESSAGE).error == "OSError: no server"
    assert asked == [{"timeout": TIMEOUT_SECONDS}, {}]


told: list[Message] = []


def tell(message: Message) -> None:
    told.append(message)
    if message.header == "raise":
        raise RuntimeError("password=hunter2")


go_on = threading.Event()


def hang(message: Message) -> None:
    go_on.wait(60)
    told.append(message)


def test_a_callable_gets_the_message() -> None:
    told.clear()
    here = channel("call", f"{__name__}.tell")
    assert channels.send(here, MESSAGE).error == ""
    assert told == [MESSAGE]
    answer = channels.send(here, Message(kind="opened", header="raise"))
    assert answer.error.startswith("RuntimeError: password=")
    assert "hunter2" not in answer.error


def test_a_callable_that_hangs_is_not_waited_for_nor_called_again_before_it_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told.clear()
    monkeypatch.setattr(call, "PATIENCE", 0.0)
    here = channel("call", f"{__name__}.hang")
    assert "not returned after" in channels.send(here, MESSAGE).error
    assert "earlier call" in channels.send(here, MESSAGE).error
    go_on.set()
    wait_until(lambda: told == [MESSAGE], 10, "the call goes on")
    monkeypatch.undo()
    wait_until(lambda: channels.send(here, MESSAGE).error == "", 10, "it is called again")
    assert told == [MESSAGE, MESSAGE]
