"""What messages say, and that Slack takes each of them, whatever the data is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from deferapp.alerts import plan
from deferapp.alerts.channels.blocks import FRAMES, escaped, payload
from deferapp.alerts.compose import compose, digest
from deferapp.alerts.life import open_alert
from deferapp.alerts.message import Link, Message
from deferapp.alerts.undeliverable import undelivered
from deferapp.clock import now
from deferapp.functions import registry
from deferapp.models import Alert, AlertKind, Attempt, Delivery, DeliveryKind, Execution, Schedule
from tests.slack.limits import complaints, texts
from tests.unit.alerts.rows import FUNCTION, fail, later, make_failed
from tests.unit.rows import MINUTE, function_named, make_execution

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_channel(settings: LazySettings) -> None:
    settings.DEFER = {
        "ALERTS": [{"call": "tests.unit.alerts.rows.said", "name": "ops"}],
        "ENVIRONMENT": "production",
        "SITE_URL": "https://shop.example/",
    }


def message(kind: str = DeliveryKind.OPENED) -> Message:
    """Of the one alert there is, looked at now."""
    plan.look()
    alert = Alert.objects.get()
    return compose(alert, Delivery(pk=7, alert=alert, kind=kind))


def everything(of: Message) -> str:
    content = payload(of)
    assert complaints(content) == []
    return "\n".join([content["text"], *texts(content)])


def test_the_first_message_of_a_fan_out_names_function_parent_count_and_the_first_few() -> None:
    parent = make_execution("shop.defer.mail_all")
    executions = fail(1000, parent=parent)
    said = message()
    assert said.header == f"✕ ValueError in {FUNCTION} ×1,000"
    fields = dict(said.fields)
    assert fields["Environment"] == "production"
    assert fields["Function"] == FUNCTION
    assert fields["Failed"] == "1,000"
    assert fields["Parent"] == f"shop.defer.mail_all {parent.pk}"
    assert fields["Attempt"] == "3"
    assert fields["Duration"] == "2.0 s"
    assert isinstance(fields["Since"], datetime)
    assert said.summary == "ValueError: no such address"
    assert 'File "shop/defer/mail.py", line 3, in mail' in said.frames
    assert said.lines == (*(f"• {each.pk}" for each in executions[:5]), "… and 995 more")
    assert [link.url for link in said.links if link.text in ("Execution", "Parent")] == [
        f"https://shop.example/admin/deferapp/execution/{executions[0].pk}/change/",
        f"https://shop.example/admin/deferapp/execution/{parent.pk}/change/",
    ]
    everything(said)


def test_children_of_several_parents_have_none_in_common() -> None:
    fail(parent=make_execution("shop.defer.mail_all"))
    fail(parent=make_execution("shop.defer.mail_all"))
    assert "Parent" not in dict(message().fields)


def test_the_schedule_of_the_parent_is_named() -> None:
    Schedule.objects.create(function="shop.defer.weekly", declared_frequency="0 8 * * 1", frequency="0 8 * * 1")
    fail(parent=make_execution("shop.defer.weekly"))
    assert dict(message().fields)["Schedule"] == "0 8 * * 1"


def test_without_the_address_of_the_site_there_are_no_links(settings: LazySettings) -> None:
    settings.DEFER = {**settings.DEFER, "SITE_URL": ""}
    fail()
    said = message()
    assert said.links == ()
    assert "http" not in everything(said)


def test_without_an_environment_none_is_named(settings: LazySettings) -> None:
    settings.DEFER = {"ALERTS": settings.DEFER["ALERTS"]}
    fail()
    assert "Environment" not in dict(message().fields)


def test_arguments_are_not_shown_unless_the_function_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_functions", {FUNCTION: function_named(FUNCTION)})
    fail(arguments_json='{"args":["ada@example.com"]}')
    assert "ada@example.com" not in everything(message())


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ('{"args":["Ada"]}', "Ada"),
        ('{"args":[{"$model":["shop.order","default",7]}]}', "shop.order 7"),
        ('{"args":[{"id":7,"password":"hunter2"}]}', '{"id": 7, "password": "********************"}'),
        ('{"args":["token=abcdef"]}', "token=********************"),
        ('{"args":[[1,2]]}', "[1, 2]"),
    ],
)
def test_a_function_may_let_its_first_argument_be_shown_redacted(
    arguments: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_functions", {FUNCTION: function_named(FUNCTION, alert_arguments=True)})
    execution = fail(arguments_json=arguments)[0]
    said = message()
    assert said.lines == (f"• {shown} ({execution.pk})",)
    assert "hunter2" not in everything(said) + str(Alert.objects.get().details)


@pytest.mark.parametrize("arguments", ["{}", "not json", "[]", '{"args":[null]}', '{"kwargs":{"other":1}}'])
def test_arguments_that_say_nothing_leave_the_id(arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_functions", {FUNCTION: function_named(FUNCTION, alert_arguments=True)})
    execution = fail(arguments_json=arguments)[0]
    assert message().lines == (f"• {execution.pk}",)


def test_secrets_in_errors_and_tracebacks_are_starred_out() -> None:
    fail(message="password=hunter2 refused", traceback='  File "x.py"\n    login(password="hunter2")\n')
    said = message()
    assert "hunter2" not in everything(said) + str(Alert.objects.values().get())


def test_an_execution_that_is_gone_leaves_what_was_gathered() -> None:
    pk = fail(parent=make_execution("shop.defer.mail_all"))[0].pk
    plan.look()
    Attempt.objects.all().delete()
    Execution.objects.all().delete()
    fail()
    Execution.objects.all().delete()
    Alert.objects.update(look_at=now())
    later(6 * MINUTE)
    said = message(DeliveryKind.UPDATE)
    assert Delivery.objects.count() == 2
    assert said.summary == "ValueError: no such address"
    assert f"• {pk}" in said.lines
    assert dict(said.fields)["Parent"].startswith("shop.defer.mail_all")


def test_a_failure_without_an_exception_says_what_happened() -> None:
    fail(error_type="", message="The worker died while it ran this attempt.", traceback="")
    said = message()
    assert (said.header, said.summary) == (f"✕ {FUNCTION}", "The worker died while it ran this attempt.")
    everything(said)


@pytest.mark.parametrize(
    ("kind", "header", "summary"),
    [
        (DeliveryKind.UPDATE, "✕ Further ones: Beat is silent", "No ring has come."),
        (DeliveryKind.REMINDER, "✕ Still: Beat is silent", "No ring has come."),
        (DeliveryKind.RECOVERED, "✓ Recovered: Beat is silent", "It works again."),
    ],
)
def test_later_messages_say_what_they_are(kind: DeliveryKind, header: str, summary: str) -> None:
    open_alert(AlertKind.BEAT_SILENT, "No ring has come.")
    said = message(kind)
    assert (said.header, said.summary, said.frames) == (header, summary, "")
    everything(said)


def test_mail_that_came_back_names_whom_it_was_for_and_why() -> None:
    for number in range(7):
        undelivered(f"Household {number}", "bounced (550 5.1.1 no such user)")
    said = message()
    assert said.header == "✕ Mail could not be delivered ×7"
    assert said.lines[0] == "• Household 0: bounced (550 5.1.1 no such user)"
    assert said.lines[-1] == "… and 2 more"
    everything(said)


def test_what_no_database_can_hold_and_secrets_are_taken_out_of_reports() -> None:
    undelivered("Ada\x00\ud800", "550 token=abcdef \x00\nsecond line")
    (named,) = Alert.objects.get().details["named"]
    assert named == {"who": "Ada\\u0000\\ud800", "why": "550 token=******************** \\u0000"}


def test_a_digest_names_its_incidents_within_the_limits() -> None:
    alerts = []
    for number in range(100):
        make_failed(key=f"{number:016}", error_type="X" * 200)
        alerts.append(
            Alert(kind=AlertKind.FAILURES, subject=f"E{number} in {FUNCTION}", count=number + 1, closed_at=None)
        )
    said = digest(alerts, Delivery(pk=7, kind=DeliveryKind.DIGEST))
    assert said.header == "✕ 100 incidents at once"
    assert said.lines[1] == f"✕ E1 in {FUNCTION} ×2"
    assert said.lines[-1] == "… and 85 more"
    everything(said)


HOSTILE = "<!channel> <@U1> <https://evil.example|click> & ``` @here *bold* \u202e" + "<" * 5000


def test_hostile_data_mentions_nobody_links_nowhere_and_fits() -> None:
    parent = make_execution("shop.defer." + "p" * 180)
    fail(8, function="<!here>" * 20, error_type="<!channel>", message=HOSTILE, traceback=HOSTILE * 3, parent=parent)
    text = everything(message())
    for mention in ("<!", "<@", "<https://evil"):
        assert mention not in text.replace("<!date^", "")
    assert "\u202e" not in text


LINK = Link(text="A & <b>", url="https://shop.example/admin/?a=1&b=<c>|d e")
field_values = st.text() | st.datetimes(timezones=st.just(UTC), min_value=datetime(1990, 1, 1))  # noqa: DTZ001


@given(
    header=st.text(min_size=1),
    summary=st.text(),
    frames=st.text(max_size=5000),
    lines=st.lists(st.text(max_size=600), max_size=20),
    fields=st.lists(st.tuples(st.text(), field_values), max_size=14),
)
def test_whatever_a_message_says_slack_takes_it(
    header: str, summary: str, frames: str, lines: list[str], fields: list[Any]
) -> None:
    said = Message(
        kind="opened",
        header=f"✕ {header}",
        summary=summary,
        frames=frames,
        lines=tuple(lines),
        fields=tuple(fields),
        links=(LINK,) * 6,
    )
    assert complaints(payload(said)) == []


@pytest.mark.parametrize("character", ["x", "&", "<", "\n", "é", "😀"])
def test_the_fullest_message_stays_within_the_budget(character: str) -> None:
    long = character * 20_000
    fields = tuple((long, long) for _ in range(20))
    said = Message(kind="opened", header="✕" + long, fields=fields, summary=long, frames=long, lines=(long,) * 9)
    assert complaints(payload(said)) == []


def test_frames_keep_the_end_where_the_error_is_and_begin_with_a_line() -> None:
    frames = "\n".join(f"line {number}" for number in range(1000))
    block = payload(Message(kind="opened", header="x", frames=frames))["blocks"][-1]
    text = block["text"]["text"]
    assert text.startswith("```\n…\nline ")
    assert text.endswith("line 999\n```")
    assert len(text) <= FRAMES


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("a&b", 7, "a&amp;b"),
        ("a&b", 6, "a…"),
        ("<>&", 13, "&lt;&gt;&amp;"),
        ("", 5, ""),
    ],
)
def test_texts_are_escaped_and_cut_between_two_characters(text: str, limit: int, shown: str) -> None:
    assert escaped(text, limit) == shown
    assert len(escaped(text, limit)) <= limit


def test_a_message_as_plain_text_has_all_of_it() -> None:
    moment = datetime(2026, 11, 22, 9, 12, 1, tzinfo=UTC)
    said = Message(
        kind="opened",
        header="✕ ValueError in mail",
        fields=(("Environment", "production"), ("Since", moment + timedelta())),
        summary="ValueError: no",
        lines=("• 1", "• 2"),
        frames="File …",
        links=(Link(text="Alert", url="https://x"),),
    )
    assert said.as_text() == (
        "✕ ValueError in mail\nEnvironment: production\nSince: 2026-11-22 09:12:01 UTC\n\nValueError: no\n\n"
        "• 1\n• 2\n\nFile …\n\nAlert: https://x"
    )
