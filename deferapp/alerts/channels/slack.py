"""Slack, by slack-sdk: an incoming webhook, or a token with a channel.

With a token, what follows on the first message of an incident stands in its thread. A message that Slack refuses for
its form is sent once more as plain text: that something is wrong must be known. Its own failures are logged, and told
to nobody else.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from deferapp.alerts.channels.answer import Answer
from deferapp.alerts.channels.blocks import payload
from deferapp.alerts.channels.channel import Channel
from deferapp.alerts.message import Message
from deferapp.models.alert import DeliveryKind

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS: Final = 5
BUSY_SECONDS: Final = 30
"""How long Slack is left alone if it is busy and does not say for how long."""

_FORM: Final = ("invalid_blocks", "invalid_payload", "msg_too_long", "msg_blocks_too_long")
"""What is wrong with the message, and not with the channel."""
_SEEN_BY_ALL: Final = (DeliveryKind.REMINDER, DeliveryKind.RECOVERED)
"""What stands in the channel too, and not in the thread alone."""
_PASSING: Final = ("ratelimited", "rate_limited", "service_unavailable", "internal_error", "fatal_error")
# slack-sdk's own would show webhook URLs, which are secrets, where the log is at DEBUG.
_SILENT: Final = logging.Logger("slack", level=logging.CRITICAL + 1)


def send(channel: Channel, message: Message, thread: str = "") -> Answer:
    content = payload(message)
    answer = _post(channel, content, message.kind, thread)
    if any(word in answer.error for word in _FORM):
        return _post(channel, {"text": content["text"]}, message.kind, thread)
    return answer


def _post(channel: Channel, content: dict[str, Any], kind: str, thread: str) -> Answer:
    if isinstance(channel.target, str):
        return _by_webhook(channel.target, content)
    return _by_token(channel.target, content, kind, thread)


def _by_webhook(url: str, content: dict[str, Any]) -> Answer:
    from slack_sdk.webhook import WebhookClient

    client = WebhookClient(url, timeout=TIMEOUT_SECONDS, logger=_SILENT, retry_handlers=[])
    try:
        answer = client.send_dict(content)
    except Exception as error:
        return _unreachable(error, url)
    if answer.status_code == 200:
        return Answer()
    return _refused(answer.status_code, answer.body.strip(), answer.headers)


def _by_token(target: Mapping[str, str], content: dict[str, Any], kind: str, thread: str) -> Answer:
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError

    place = target.get("api", WebClient.BASE_URL)
    client = WebClient(target["token"], place, timeout=TIMEOUT_SECONDS, logger=_SILENT, retry_handlers=[])
    if thread:
        content = {**content, "thread_ts": thread, "reply_broadcast": kind in _SEEN_BY_ALL}
    try:
        answer = client.chat_postMessage(channel=target["channel"], **content)
    except SlackApiError as error:
        said = error.response
        return _refused(said.status_code, str(said.get("error", "")), said.headers)
    except Exception as error:
        return _unreachable(error, target["token"])
    return Answer(reference=str(answer.get("ts", "")))


def _unreachable(error: Exception, secret: str) -> Answer:
    reason = getattr(error, "reason", None) or error
    return Answer(error=f"{type(error).__name__}: {reason}".replace(secret, "…")[:200])


def _refused(status: int, said: str, headers: Mapping[str, str]) -> Answer:
    """By status and Slack's word: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    error = f"HTTP {status}: {said}" if status != 200 else said
    if status == 429 or said in _PASSING[:2]:
        return Answer(error=error[:200], retry_after=_retry_after(headers))
    return Answer(error=error[:200], needs_a_person=status < 500 and said not in _PASSING)


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return timedelta(seconds=int(given) if given.isdigit() and len(given) < 7 else BUSY_SECONDS)
