"""Sees to it that a customer gets one mail a week, whoever tries how often.

An execution first holds the week's mail of the customer, then sends it, then notes that it was sent. Another one
finds it sent, or held. Honest limit: a process that dies between a provider's "accepted" and the note sends once
more in its next attempt, with the same Message-ID; no order of the three steps can rule that out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from marketplace.models import Customer, Product, WeeklyMail

HOLD_LIMIT: Final = timedelta(minutes=15)
"""How long a hold keeps others away. Longer than any attempt may take, so its execution has ended without a word."""


class NothingToSend(Exception):
    """There is no mail to send, for a reason that is no error."""


def hold(customer: Customer, week: str, execution: UUID) -> WeeklyMail:
    """Hold the mail of that week for this execution, in all its attempts. Raises `NothingToSend`."""
    with transaction.atomic():
        _check_opt_in(customer)
        now = timezone.now()
        mail, is_new = WeeklyMail.objects.get_or_create(
            customer=customer, week=week, defaults={"held_by": execution, "held_at": now}
        )
        if not is_new and not _take(mail, execution):
            raise NothingToSend("sent already" if mail.sent_at else f"being sent by execution {mail.held_by}")
    return mail


def release(mail: WeeklyMail) -> None:
    """Let other executions try, after an error."""
    WeeklyMail.objects.filter(pk=mail.pk, held_by=mail.held_by).update(held_by=None, held_at=None)


def note_sent(mail: WeeklyMail, products: Sequence[Product]) -> None:
    WeeklyMail.objects.filter(pk=mail.pk).update(
        sent_at=timezone.now(), products=[product.pk for product in products], held_by=None, held_at=None
    )


def _check_opt_in(customer: Customer) -> None:
    """Look again, and lock the row where the database can: the opt-in may have ended since the execution began."""
    fresh = Customer.objects.select_for_update().filter(pk=customer.pk).first()
    if fresh is None:
        raise NothingToSend("the customer has been deleted")
    if not fresh.weekly_product_recommendations:
        raise NothingToSend(f"the opt-in has ended: {fresh.opt_in_ended_because or 'no reason noted'}")


def _take(mail: WeeklyMail, execution: UUID) -> bool:
    now = timezone.now()
    free = Q(held_by=None) | Q(held_by=execution) | Q(held_at__lt=now - HOLD_LIMIT)
    taken = WeeklyMail.objects.filter(free, pk=mail.pk, sent_at=None).update(held_by=execution, held_at=now)
    mail.held_by = execution if taken else mail.held_by
    return bool(taken)
