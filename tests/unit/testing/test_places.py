"""The test kit in Django's test cases, sync and async, and without any broker."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.test import TestCase, TransactionTestCase

from deferapp.dispatch.broker import celery_app
from deferapp.testing import (
    aassert_enqueued,
    aassert_not_enqueued,
    aassert_nothing_enqueued,
    arun_due,
    arun_enqueued,
    assert_enqueued,
    failing,
    run_enqueued,
)
from tests.unit.testing import functions
from tests.unit.testing.declaring import declared
from tests.unit.testing.functions import did
from tests.unit.testing.test_due import MONDAY


class Everywhere:
    """What works in each of Django's test cases."""

    def setUp(self) -> None:
        self.enterContext(declared())  # type: ignore[attr-defined]
        self.user = User.objects.create(username="ada")

    def test_in_sync_code(self) -> None:
        functions.greet_all()
        run_enqueued()
        assert assert_enqueued(functions.greet, self.user, "Hello").result == "Hello ada"

    async def test_in_async_code(self) -> None:
        await aassert_nothing_enqueued()
        await functions.greet_all()
        with failing(functions.greet):
            await arun_enqueued()
        child = await aassert_enqueued(functions.greet, self.user, "Hello")
        assert (await child.aresult(), child.attempt) == ("Hello ada", 2)
        await aassert_not_enqueued(functions.greet_all_sync)

    async def test_sync_functions_in_async_code(self) -> None:
        await functions.greet_all_sync()
        await arun_enqueued()
        assert did == [("greet", "ada")]

    async def test_travelling_in_async_code(self) -> None:
        assert len(await arun_due(MONDAY)) == 2


class TestInTestCase(Everywhere, TestCase): ...


class TestInTransactionTestCase(Everywhere, TransactionTestCase): ...


class TestInATransactionTestCaseAndATransaction(Everywhere, TransactionTestCase):
    def test_in_sync_code(self) -> None:
        with transaction.atomic():
            super().test_in_sync_code()


@pytest.mark.django_db(transaction=True)
async def test_in_an_async_test_of_pytest() -> None:
    user = await User.objects.acreate(username="ada")
    await functions.greet_all()
    await arun_enqueued()
    await aassert_enqueued(functions.greet, user, "Hello")
    assert did == [("greet", "ada")]
    await sync_to_async(connections.close_all)()  # in the thread that asks the database here


@pytest.fixture
def _broker_of_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker of which one would notice if it were asked."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(celery_app().conf, "broker_url", "redis://broker.example:6379/0")
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_broker", "_broker_of_production")
def test_with_the_fixture_nothing_asks_for_the_broker(caplog: pytest.LogCaptureFixture) -> None:
    User.objects.create(username="ada")
    functions.greet_all()
    with transaction.atomic():
        functions.greet_all_sync()
    run_enqueued()
    assert len(did) == 2
    assert caplog.records == []


@pytest.mark.django_db
@pytest.mark.usefixtures("_broker_of_production")
def test_in_a_transaction_nothing_asks_for_the_broker_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    functions.greet_all()
    run_enqueued()
    assert caplog.records == []
