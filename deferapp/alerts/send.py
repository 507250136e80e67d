"""Sending what is due, each message by one process, in the order of an incident.

A delivery is taken before it is sent, and noted as sent when the channel has answered. Honest limit: a process that is
killed between the channel's answer and that note, or whose database is away then for longer than `TAKEN`, lets the
message be sent once more: at least once, and once if the answer was noted.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef, QuerySet

from deferapp.alerts import channels, compose
from deferapp.alerts.channels import Answer, Channel
from deferapp.alerts.message import Message
from deferapp.clock import now
from deferapp.models import Alert, Delivery, DeliveryKind, ledger

logger = logging.getLogger("deferapp.alerts")

PACE: Final = timedelta(seconds=1)
"""Between two messages to a channel, as Slack wants it."""
TAKEN: Final = timedelta(minutes=1)
"""How long a delivery that a process has taken is nobody else's. Sending takes seconds."""
FIRST_PAUSE: Final = timedelta(seconds=5)
"""Before the second try of a message; each pause is twice the one before, up to `LONGEST_PAUSE`."""
LONGEST_PAUSE: Final = timedelta(minutes=10)
GIVEN_UP_AFTER: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Deliveries that go as one message, and that are this process's until `until`."""

    deliveries: tuple[Delivery, ...]
    until: datetime

    @property
    def first(self) -> Delivery:
        return self.deliveries[0]


class Sender:
    """One process's sending: it remembers when a channel wants to be left alone."""

    def __init__(self) -> None:
        self._not_before: dict[str, float] = {}

    def send_due(self, insist: Callable[[Callable[[], None]], None] = lambda write: write()) -> int:
        """Send at most one message to each channel. Returns how many were sent.

        `insist` makes the note that a message has been sent, until it is made.
        """
        sent = 0
        for channel in _channels():
            taken = take(channel) if self._is_ready(channel) else None
            if taken is None:
                continue
            answer = _sent(channel, taken)
            self._rest(channel, answer)
            insist(lambda taken=taken, answer=answer: note(taken, answer))  # type: ignore[misc]
            sent += not answer.error
        return sent

    def _is_ready(self, channel: Channel) -> bool:
        return time.monotonic() >= self._not_before.get(channel.name, 0.0)

    def _rest(self, channel: Channel, answer: Answer) -> None:
        pause = max(PACE, answer.retry_after or PACE)
        self._not_before[channel.name] = time.monotonic() + pause.total_seconds()


def _sent(channel: Channel, taken: Taken) -> Answer:
    """What cannot be put into words is tried again like what cannot be sent."""
    try:
        message = _message(taken)
    except Exception as error:
        logger.exception("A message about an alert cannot be written")
        return Answer(error=type(error).__name__, needs_a_person=True)
    return channels.send(channel, message, _thread(taken.first))


def is_due() -> bool:
    """By one query."""
    return _deliveries().filter(due_at__lte=now()).exists()


def take(channel: Channel, moment: datetime | None = None) -> Taken | None:
    """What goes next to this channel, if it is not too soon after the last message, whoever sent that."""
    moment = moment or now()
    mine = _deliveries().filter(channel=channel.name)
    earlier = mine.filter(alert=OuterRef("alert"), pk__lt=OuterRef("pk"), due_at__isnull=False)
    due = mine.filter(~Exists(earlier), due_at__lte=moment).order_by("pk").first()
    if due is None or mine.filter(sent_at__gt=moment - PACE).exists():
        return None
    wanted = {due.pk: due.due_at}
    if due.kind == DeliveryKind.DIGEST:
        together = mine.filter(~Exists(earlier), kind=DeliveryKind.DIGEST, due_at__lte=moment)
        wanted = dict(together.values_list("pk", "due_at"))
    until = moment + TAKEN
    rows = mine.filter(pk__in=list(wanted), due_at__in=set(wanted.values()))
    if not rows.update(due_at=until, tries=F("tries") + 1):
        return None
    ours = mine.filter(pk__in=list(wanted), due_at=until).select_related("alert").order_by("pk")
    return Taken(deliveries=tuple(ours), until=until)


def note(taken: Taken, answer: Answer) -> None:
    """Write down what the channel answered."""
    rows = _deliveries().filter(pk__in=[each.pk for each in taken.deliveries], sent_at=None)
    moment = now()
    if not answer.error:
        rows.update(sent_at=moment, due_at=None, error="", reference=answer.reference[:200])
        return
    again_at = _again_at(taken.first, answer, moment)
    logger.warning("An alert could not be sent to %s: %s", taken.first.channel, answer.error)
    rows.filter(due_at=taken.until).update(due_at=again_at, error=answer.error[:500])


def forget_the_unknown() -> int:
    """Give up what is for channels that the settings do not have any more."""
    names = [channel.name for channel in _channels()]
    return _deliveries().filter(due_at__lte=now()).exclude(channel__in=names).update(due_at=None, error=_NO_CHANNEL)


_NO_CHANNEL: Final = 'There is no such channel in DEFER["ALERTS"] any more.'


def _again_at(delivery: Delivery, answer: Answer, moment: datetime) -> datetime | None:
    """When it is tried again: as the channel says, or later and later; None when it is given up."""
    if moment - delivery.created_at > GIVEN_UP_AFTER:
        return None
    if answer.retry_after is not None:
        return moment + answer.retry_after
    if answer.needs_a_person:
        return moment + LONGEST_PAUSE
    doublings: int = min(delivery.tries - 1, 10)
    return moment + min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def _message(taken: Taken) -> Message:
    """From the alerts as they are now. A digest of one is that one's message."""
    alerts: Sequence[Alert] = list(dict.fromkeys(each.alert for each in taken.deliveries))
    return compose.digest(alerts, taken.first) if len(alerts) > 1 else compose.compose(alerts[0], taken.first)


def _thread(delivery: Delivery) -> str:
    """By what the channel knows the first message of the incident, if it has had one of its own."""
    first = _deliveries().filter(alert=delivery.alert, channel=delivery.channel, kind=DeliveryKind.OPENED)
    return first.exclude(pk=delivery.pk).values_list("reference", flat=True).first() or ""


def _channels() -> list[Channel]:
    try:
        return channels.configured()
    except ValueError:  # Told when the messages were made.
        return []


def _deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.using(ledger())
