"""The marketplace's recommendations on demand: its page, its URL, and the function behind it."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.test import Client

from deferapp.executions.values import encode_result
from deferapp.models import Execution
from marketplace.defer import recommend_now as module
from marketplace.defer.recommend_now import recommend_now
from marketplace.models import Customer, Product
from tests.unit.web.requests import end, enqueue, post, read

URL = "/recommend/now/"


@pytest.fixture(autouse=True)
def marketplace(web: None, settings: LazySettings) -> None:
    settings.ROOT_URLCONF = "marketplace.urls"
    for household in range(1, 21):
        Customer.objects.create(
            household=household,
            email=f"{household}@example.com",
            weekly_product_recommendations=household > 10,
        )


def test_the_page_offers_a_few_customers_who_opted_in(visitor: Client) -> None:
    html = visitor.get("/recommend/").content.decode()
    offered = [number for number in range(1, 21) if f">Household {number}</option>" in html]
    assert offered == [11, 12, 13, 14, 15, 16, 17, 18]
    assert "csrfmiddlewaretoken" in html


def test_the_page_holds_no_script_or_style_of_its_own(visitor: Client) -> None:
    html = visitor.get("/recommend/").content.decode()
    assert html.count("<script") == html.count('<script type="module" src="/static/')
    assert "<style" not in html
    assert " style=" not in html


def test_without_customers_the_page_says_where_they_come_from(visitor: Client) -> None:
    Customer.objects.all().delete()
    html = visitor.get("/recommend/").content.decode()
    assert "load_purchases" in html
    assert "<form" not in html


def test_a_number_is_enqueued_as_the_customer_and_discarded_when_nobody_waits_any_more(visitor: Client) -> None:
    execution = enqueue(visitor, URL, {"household": 12})
    assert execution.function == "marketplace.defer.recommend_now"
    assert json.loads(execution.arguments_json) == {"args": [{"$model": ["marketplace.Customer", "default", 12]}]}
    assert execution.discard_at - execution.created_at == timedelta(minutes=5)
    end(execution, "succeeded", {"customer": "Household 12", "products": []})
    assert read(visitor, URL, execution)["result"] == {"customer": "Household 12", "products": []}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"household": 1}, id="not opted in"),
        pytest.param({"household": 99}, id="unknown"),
        pytest.param({"household": "12"}, id="text"),
        pytest.param({"household": [12]}, id="a list"),
        pytest.param({"household": {"$model": ["marketplace.Customer", "default", 12]}}, id="a reference"),
        pytest.param({"household": True}, id="a truth"),
        pytest.param({"household": 2**70}, id="larger than a database's numbers"),
        pytest.param({}, id="nothing"),
        pytest.param([12], id="by position"),
    ],
)
def test_whoever_has_not_opted_in_is_nobody(visitor: Client, arguments: Any) -> None:
    response = post(visitor, URL, arguments)
    assert (response.status_code, response.json()) == (400, {"error": "Nobody with this number has opted in."})
    assert Execution.objects.count() == 0


def test_the_function_gives_products_and_mails_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    described = Product(number=1, name="Honey", category="Spreads", size="12 OZ", price=Decimal("4.25"))
    nameless = Product(number=2, is_store_brand=True)
    monkeypatch.setattr(module, "recommend", lambda customer: [described, nameless])
    told = recommend_now.func(Customer.objects.get(household=12))
    assert told == {
        "customer": "Household 12",
        "products": [
            {
                "name": "Honey",
                "category": "Spreads",
                "size": "12 OZ",
                "is_store_brand": False,
                "price": Decimal("4.25"),
            },
            {"name": "Product 2", "category": "", "size": "", "is_store_brand": True, "price": None},
        ],
    }
    assert encode_result("recommend_now", told)
    assert mail.outbox == []
