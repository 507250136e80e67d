"""Functions for the tests of the test kit, and what their bodies did. The fixture `declared` declares them."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from deferapp import current_execution

did: list[Any] = []


def add(first: int, second: int = 0) -> int:
    did.append(("add", first, second))
    return first + second


async def greet(user: User, *words: str, **options: Any) -> str:
    await User.objects.aget(pk=user.pk)
    did.append(("greet", user.username))
    return f"{' '.join(words)} {user.username}"


async def greet_all() -> None:
    async for user in User.objects.order_by("username"):
        await greet(user, "Hello")


def greet_all_sync() -> None:
    for user in User.objects.order_by("username"):
        greet(user, "Hello")


def breaks() -> None:
    current = current_execution()
    assert current is not None
    did.append(("breaks", current.attempt))
    raise ValueError("broken")


def told_of(execution: Any) -> None:
    did.append(("told_of", execution.function))


def violates() -> None:
    User.objects.create(username="ada")


async def violates_together() -> None:
    await User.objects.acreate(username="ada")


def violates_raw() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO auth_user (username) VALUES (NULL)")


def survives() -> None:
    try:
        User.objects.create(username="ada")
    except IntegrityError:
        did.append("survived")


def hooks_a_commit() -> None:
    with transaction.atomic():
        transaction.on_commit(lambda: did.append("committed"))
        did.append("in the transaction")


def leaves_a_transaction_open() -> None:
    transaction.atomic().__enter__()


async def leaves_a_transaction_open_together() -> None:
    await sync_to_async(transaction.atomic().__enter__)()


def is_interrupted() -> None:
    raise KeyboardInterrupt


def for_ever(step: int) -> None:
    for_ever(step + 1)


def on_monday() -> None:
    did.append("on_monday")


def each_hour() -> None:
    did.append("each_hour")
