"""Executions and a schedule with a history, for the pictures of their pages."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import UUID

from deferapp.executions.states import ErrorCode, State
from deferapp.models import Attempt, AttemptLog, DueMoment, Execution, Schedule
from tests.unit.dashboard.scene import MAIL, RECOMMEND, TRAIN
from tests.unit.rows import SECOND, make_execution

WEEKLY = "marketplace.defer.weekly_product_recommendations"
CHILDREN = 40
REFUSED = "SMTPRecipientsRefused: {'anna@example.com': (550, b'5.1.1 The mailbox does not exist.')}"
TRACEBACK = f"""Traceback (most recent call last):
  File "/srv/shop/defer/mail.py", line 21, in mail
    send(customer, template="welcome")
  File "/srv/shop/mailing.py", line 88, in send
    message.send()
  File "/usr/lib/python3/dist-packages/django/core/mail/message.py", line 301, in send
    return self.get_connection(fail_silently).send_messages([self])
  File "/usr/lib/python3/dist-packages/django/core/mail/backends/smtp.py", line 131, in send_messages
    sent = self._send(message)
  File "/usr/lib/python3.11/smtplib.py", line 901, in sendmail
    raise SMTPRecipientsRefused(senderrs)
smtplib.{REFUSED}
"""


def failed(now: datetime) -> UUID:
    """One that has failed after three attempts, the waits between them growing. Returns its id."""
    begin = now - timedelta(minutes=4)
    execution = make_execution(
        MAIL,
        state=State.FAILED,
        attempt=3,
        created_at=begin,
        due_at=begin + 104 * SECOND,
        started_at=begin + 105 * SECOND,
        ended_at=begin + 107 * SECOND,
        arguments_json=json.dumps({"args": [4711], "kwargs": {"template": "welcome", "api_token": "s3cret"}}),
        metadata={"tenant": "acme"},
        error_code=ErrorCode.FUNCTION_FAILED,
        reason=f"smtplib.{REFUSED}"[:500],
    )
    for number, (due, took, retry) in enumerate([(0, 2, 31), (31, 4, 104), (104, 3, None)], 1):
        Attempt.objects.create(
            execution=execution,
            number=number,
            outcome="failed",
            worker="celery@web1 4711",
            due_at=begin + due * SECOND,
            started_at=begin + (due + 1) * SECOND,
            ended_at=begin + (due + 1 + took) * SECOND,
            retry_at=None if retry is None else begin + retry * SECOND,
            error_code=ErrorCode.FUNCTION_FAILED,
            error_type="smtplib.SMTPRecipientsRefused",
            error_message=REFUSED.partition(": ")[2],
            traceback=TRACEBACK,
        )
    at = (begin + 105 * SECOND).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lines = [[at, "INFO", "shop.mailing", "connecting to mx.example.com"], [at, "WARNING", "shop.mailing", "refused"]]
    AttemptLog.objects.create(execution=execution, number=3, lines=lines)
    return execution.pk


def fan_out(now: datetime) -> UUID:
    """A parent whose children have ended, run, wait and have failed. Returns its id."""
    begin = now - timedelta(minutes=1)
    times = {"created_at": begin, "started_at": begin + SECOND, "ended_at": begin + 9 * SECOND, "due_at": begin}
    parent = make_execution(WEEKLY, state=State.SUCCEEDED, attempt=1, **times)
    Attempt.objects.create(
        execution=parent,
        number=1,
        outcome="succeeded",
        worker="celery@web1 4711",
        due_at=begin,
        started_at=times["started_at"],
        ended_at=times["ended_at"],
    )
    states = [State.FAILED] * 2 + [State.STARTED] * 3 + [State.CREATED] * 4
    states += [State.SUCCEEDED] * (CHILDREN - len(states))
    Execution.objects.bulk_create(_child(parent, number, state, begin) for number, state in enumerate(states))
    return parent.pk


def _child(parent: Execution, number: int, state: State, begin: datetime) -> Execution:
    started = None if state == State.CREATED else begin + (2 + number / 10) * SECOND
    ended = started + 2 * SECOND if started and state != State.STARTED else None
    return Execution(
        function=RECOMMEND,
        state=state,
        parent=parent,
        attempt=0 if started is None else 1,
        created_at=begin + number / 100 * SECOND,
        due_at=begin,
        started_at=started,
        ended_at=ended,
        arguments_json=json.dumps({"args": [number]}),
        reason="SMTPServerDisconnected: Connection unexpectedly closed" if state == State.FAILED else "",
        error_code=ErrorCode.FUNCTION_FAILED if state == State.FAILED else "",
    )


def ninety_days(now: datetime) -> int:
    """What became of a schedule that was due each day at 03:30. Returns its key."""
    schedule = Schedule.objects.get(function=TRAIN)
    today = now.replace(hour=3, minute=30, second=0, microsecond=0)
    for days in range(1, 90):
        due_at = today - timedelta(days=days)
        fired = not 40 <= days <= 41
        state = State.FAILED if days in (12, 55) else State.SUCCEEDED
        late = timedelta(seconds=40 if days == 23 else days % 3)
        times = {"created_at": due_at, "started_at": due_at + late, "ended_at": due_at + late + 300 * SECOND}
        execution = make_execution(TRAIN, state=state, attempt=1, due_at=due_at, **times) if fired else None
        values = {"decided_at": due_at + late, "execution": execution}
        DueMoment.objects.update_or_create(schedule=schedule, due_at=due_at, defaults=values)
    return schedule.pk
