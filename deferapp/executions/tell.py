"""Telling the receivers of `deferapp.signals`, once what happened is committed. Costs nothing when nobody listens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connections, transaction
from django.db.models import Model
from django.dispatch import Signal

from deferapp import signals
from deferapp.models import Execution, ledger

logger = logging.getLogger("deferapp.signals")


def is_heard(signal: Signal, sender: type[Model] = Execution) -> bool:
    return bool(signal.receivers) and signal.has_listeners(sender)


def of(signal: Signal, executions: Callable[[], Iterable[Execution]]) -> None:
    """Send the signal for each of the executions, which are asked for only if anybody listens, after the commit."""
    after_commit(signal, Execution, lambda: ({"execution": execution} for execution in executions()))


@contextmanager
def of_new(executions: Sequence[Execution]) -> Iterator[None]:
    """Around the write of executions: tell of those that were not there before."""
    if not is_heard(signals.enqueued):
        yield
        return
    ids = [execution.id for execution in executions]
    known = set(Execution.objects.using(ledger()).filter(id__in=ids).values_list("id", flat=True))
    yield
    of(signals.enqueued, lambda: [execution for execution in executions if execution.id not in known])


def after_commit(signal: Signal, sender: type[Model], arguments: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
    """Send the signal with each of the arguments when the transaction commits, at once outside of any."""
    if not is_heard(signal, sender):
        return
    send = partial(_send, signal, sender, arguments)
    if connections[ledger()].in_atomic_block:
        transaction.on_commit(send, using=ledger(), robust=True)
    else:
        send()


def _send(signal: Signal, sender: type[Model], arguments: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
    try:
        for named in arguments():
            signal.send_robust(sender, **named)
    except Exception:
        logger.exception("A change of executions could not be told")
