"""Messages to a server that plays Slack, on good days and on all bad ones."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from deferapp.alerts import channels, notify_test
from deferapp.alerts.channels import Answer, read
from deferapp.alerts.channels import slack as channel_of_slack
from deferapp.alerts.message import Message
from tests.slack import Slack, slack

MESSAGE = Message(
    kind="opened", header="✕ ValueError in mail", summary="ValueError: no", frames="File …", lines=("• 1",)
)


@pytest.fixture
def server() -> Iterator[Slack]:
    with slack() as server:
        yield server


@pytest.fixture(params=["webhook", "token"])
def target(request: pytest.FixtureRequest, server: Slack) -> Any:
    return server.webhook if request.param == "webhook" else server.by_token()


def send(target: Any, message: Message = MESSAGE, thread: str = "") -> Answer:
    return channels.send(read({"slack": target}), message, thread)


def test_a_message_arrives_with_a_text_for_notifications_and_blocks(server: Slack, target: Any) -> None:
    answer = send(target)
    assert answer.error == ""
    (message,) = server.messages
    assert message["text"] == "✕ ValueError in mail: ValueError: no"
    assert server.headers == ["✕ ValueError in mail"]
    assert "```\nFile …\n```" in server.texts()


def test_slack_is_not_asked_to_preview_links(server: Slack, target: Any) -> None:
    send(target)
    assert [server.messages[0][key] in (False, 0, "0") for key in ("unfurl_links", "unfurl_media")] == [True, True]


def test_a_token_knows_its_message_by_its_time_and_answers_in_its_thread(server: Slack) -> None:
    first = send(server.by_token())
    assert first.reference == "1700000000.000001"
    send(server.by_token(), Message(kind="update", header="✕ ×2"), first.reference)
    send(server.by_token(), Message(kind="recovered", header="✓"), first.reference)
    threads = [(each.get("thread_ts"), bool(each.get("reply_broadcast"))) for each in server.messages]
    assert threads == [(None, False), (first.reference, False), (first.reference, True)]


def test_a_busy_slack_says_for_how_long_it_wants_to_be_left_alone(server: Slack, target: Any) -> None:
    server.will_answer(429, '{"ok":false,"error":"ratelimited"}', Retry_After="17")
    answer = send(target)
    assert (answer.retry_after, answer.needs_a_person) == (timedelta(seconds=17), False)
    assert "429" in answer.error


@pytest.mark.parametrize("given", ["", "soon", "-1", "99999999999"])
def test_a_busy_slack_that_does_not_say_so_is_left_alone_for_a_while(server: Slack, target: Any, given: str) -> None:
    server.will_answer(429, "", **({"Retry_After": given} if given else {}))
    assert send(target).retry_after == timedelta(seconds=channel_of_slack.BUSY_SECONDS)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_broken_slack_is_asked_again_later(server: Slack, target: Any, status: int) -> None:
    server.will_answer(status, "<html>oops</html>")
    answer = send(target)
    assert str(status) in answer.error or "oops" in answer.error
    assert (answer.retry_after, answer.needs_a_person) == (None, False)
    assert len(server.asked) == 1


def test_a_slack_that_hangs_is_waited_for_for_as_long_as_promised(
    server: Slack, target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert channel_of_slack.TIMEOUT_SECONDS == 5
    monkeypatch.setattr(channel_of_slack, "TIMEOUT_SECONDS", 0.2)
    server.hangs.set()
    begin = time.monotonic()
    answer = send(target)
    assert 0.2 <= time.monotonic() - begin < 5
    assert "timed out" in answer.error
    assert not answer.needs_a_person
    assert len(server.asked) == 1


def test_a_slack_that_hangs_up_is_asked_once(server: Slack, target: Any) -> None:
    server.closes.set()
    assert send(target).error
    assert len(server.asked) == 1


def test_a_slack_that_is_not_there_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert "refused" in send(f"http://127.0.0.1:{taken.getsockname()[1]}/services/x").error


def test_a_wrong_token_needs_a_person_and_is_not_told(server: Slack, caplog: pytest.LogCaptureFixture) -> None:
    answer = send(server.by_token(token="xoxb-wrong"))
    assert (answer.error, answer.needs_a_person) == ("invalid_auth", True)
    assert "xoxb-wrong" not in caplog.text


def test_a_webhook_that_is_gone_needs_a_person(server: Slack) -> None:
    answer = send(server.url + "/services/gone")
    assert (answer.error, answer.needs_a_person) == ("HTTP 404: no_service", True)


@pytest.mark.parametrize("said", ["invalid_blocks", "msg_too_long"])
def test_a_message_that_slack_refuses_for_its_form_is_sent_as_plain_text(server: Slack, target: Any, said: str) -> None:
    if isinstance(target, str):
        server.will_answer(400, said)
    else:
        server.will_answer(200, f'{{"ok":false,"error":"{said}"}}', Content_Type="application/json")
    assert send(target).error == ""
    (message,) = server.messages
    assert "blocks" not in message
    assert message["text"] == "✕ ValueError in mail: ValueError: no"


def test_no_log_shows_the_address_of_a_webhook_however_talkative_it_is(
    server: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        send(server.webhook)
        server.closes.set()
        answer = send(server.webhook)
    assert "secret-of-the-webhook" not in caplog.text + answer.error


def test_the_trial_sends_one_message_to_each_channel_and_tells_what_became_of_it(
    server: Slack, settings: LazySettings, mailoutbox: list[Any]
) -> None:
    settings.DEFER = {
        "ALERTS": [
            {"slack": server.webhook},
            {"slack": server.by_token(token="wrong"), "name": "others"},
            {"email": ["ops@shop.example"]},
            {"call": "tests.services.test_slack.break_down"},
        ],
        "ENVIRONMENT": "staging",
    }
    trials = notify_test()
    assert [tuple(trial) for trial in trials] == [
        ("slack", "sent"),
        ("others", "invalid_auth"),
        ("email ops@shop.example", "sent"),
        ("call tests.services.test_slack.break_down", "RuntimeError: down"),
    ]
    assert [trial.is_sent for trial in trials] == [True, False, True, False]
    assert server.headers == ["✓ A test of deferapp's alerts"]
    assert "staging" in server.texts()
    assert mailoutbox[0].to == ["ops@shop.example"]


def break_down(_message: Message) -> None:
    raise RuntimeError("down")


def test_without_channels_the_trial_has_nothing_to_tell() -> None:
    assert notify_test() == []
