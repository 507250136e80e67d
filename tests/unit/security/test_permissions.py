"""Nobody reaches a page or an action of the admin beyond their permissions, by whatever request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from django.conf import LazySettings
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from deferapp.models import Alert, Execution, Schedule, Worker
from marketplace.models import Customer, Product, Purchase, WeeklyMail
from tests.unit.rows import make_execution, make_worker

Make = Callable[[], Model]


def make_schedule() -> Schedule:
    return Schedule.objects.create(function="shop.defer.weekly", declared_frequency="@weekly", frequency="@weekly")


def make_customer() -> Customer:
    return Customer.objects.create(household=7, email="ada@example.com", weekly_product_recommendations=True)


def make_purchase() -> Purchase:
    product = Product.objects.create(number=1, name="tea")
    bought = {"quantity": 1, "amount": 1, "purchased_at": timezone.now()}
    return Purchase.objects.create(customer=make_customer(), product=product, **bought)


def make_mail() -> WeeklyMail:
    return WeeklyMail.objects.create(customer=make_customer(), week="2026-W01")


OURS: Final[list[Make]] = [make_execution, make_schedule, make_worker]
READ_ONLY: Final[list[Make]] = [*OURS, make_purchase, make_mail]
ALL: Final[list[Make]] = [*READ_ONLY, make_customer]

CHANGES: Final[dict[str, Any]] = {
    "function": "forged",
    "state": "created",
    "arguments_json": "{}",
    "frequency": "* * * * *",
    "is_paused": "on",
    "node": "forged",
    "household": "7",
    "email": "forged@example.com",
    "quantity": "99",
    "week": "2000-W01",
    "_save": "Save",
}


@pytest.fixture(autouse=True)
def _site(transactional_db: None, settings: LazySettings) -> None:
    settings.ROOT_URLCONF = "marketplace.urls"


def address(row: Model, page: str) -> str:
    args = [row.pk] if page in ("change", "delete", "history") else []
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=args)


def state_of(row: Model) -> dict[str, Any] | None:
    return type(row)._default_manager.filter(pk=row.pk).values().first()


def forge(client: Client, row: Model) -> list[int]:
    """Everything by which an admin can be asked to change something. Gives the answers' codes."""
    chosen = {"_selected_action": [str(row.pk)], "index": "0", "select_across": "1", "post": "yes"}
    posts = [
        (address(row, "change"), CHANGES),
        (address(row, "change"), {**CHANGES, "_saveasnew": "1"}),
        (f"{address(row, 'change')}?_popup=1&_to_field=id", {**CHANGES, "_popup": "1"}),
        (address(row, "add"), CHANGES),
        (f"{address(row, 'add')}?_popup=1", {**CHANGES, "_popup": "1"}),
        (address(row, "delete"), {"post": "yes"}),
        (f"{address(row, 'delete')}?_popup=1", {"post": "yes", "_popup": "1"}),
        *(
            (address(row, "changelist"), {**chosen, "action": name})
            for name in ("delete_selected", "run", "make_active")
        ),
        (
            address(row, "changelist"),
            {**CHANGES, "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": row.pk},
        ),
    ]
    return [client.post(url, data).status_code for url, data in posts]


@pytest.mark.parametrize("make", ALL)
def test_visitors_are_asked_to_log_in_whatever_they_ask_for(make: Make, client: Client) -> None:
    row = make()
    before = state_of(row)
    assert set(forge(client, row)) == {302}
    for page in ("changelist", "add", "change", "delete", "history"):
        response = client.get(address(row, page))
        assert (response.status_code, "/login/" in response["Location"]) == (302, True)
    assert state_of(row) == before


@pytest.mark.parametrize("make", ALL)
def test_staff_without_permissions_and_users_who_are_not_staff_reach_nothing(
    make: Make, sign_in: Callable[..., Client]
) -> None:
    row = make()
    before = state_of(row)
    view = f"view_{row._meta.model_name}"
    for client, refusal in (
        (sign_in(), 403),
        (sign_in(view, is_staff=False), 302),
        (sign_in(view, is_active=False), 302),
    ):
        # 400 for a `_to_field` that is none.
        assert {refusal} <= set(forge(client, row)) <= {refusal, 400}
        pages = ("changelist", "add", "change", "delete", "history")
        assert {client.get(address(row, page)).status_code for page in pages} == {refusal}
    assert row._meta.app_label.encode() not in sign_in().get(reverse("admin:index")).content
    assert state_of(row) == before


@pytest.mark.parametrize("make", ALL)
def test_staff_who_may_view_a_model_read_it_and_no_other_and_change_nothing(
    make: Make, sign_in: Callable[..., Client]
) -> None:
    row = make()
    before, count = state_of(row), type(row)._default_manager.count()
    client = sign_in(f"view_{row._meta.model_name}")
    reads = {page: client.get(address(row, page)).status_code for page in ("changelist", "change", "history")}
    assert reads == {"changelist": 200, "change": 200, "history": 200}
    assert {client.get(address(row, page)).status_code for page in ("add", "delete")} == {403}
    forge(client, row)
    assert (state_of(row), type(row)._default_manager.count()) == (before, count)
    others = {Execution, Schedule, Worker, Customer, Product, Purchase, WeeklyMail} - {type(row)}
    for other in others:
        url = reverse(f"admin:{other._meta.app_label}_{other._meta.model_name}_changelist")
        assert client.get(url).status_code == 403


@pytest.mark.parametrize("make", READ_ONLY)
def test_not_even_all_permissions_change_what_is_to_be_read(make: Make, sign_in: Callable[..., Client]) -> None:
    row = make()
    before, count = state_of(row), type(row)._default_manager.count()
    permissions = [f"{name}_{row._meta.model_name}" for name in ("view", "add", "change", "delete")]
    for client in (sign_in(is_superuser=True), sign_in(*permissions)):
        forge(client, row)
        assert (state_of(row), type(row)._default_manager.count()) == (before, count)


def test_who_may_change_customers_may_not_delete_or_add_them(sign_in: Callable[..., Client]) -> None:
    customer = make_customer()
    client = sign_in("view_customer", "change_customer")
    codes = forge(client, customer)
    assert 403 in codes
    assert Customer.objects.get().email == "forged@example.com"
    assert Customer.objects.get().opt_in_ended_because == ""


def test_a_change_of_a_number_makes_no_further_customer_or_product(sign_in: Callable[..., Client]) -> None:
    customer, product = make_customer(), Product.objects.create(number=1, name="tea")
    client = sign_in("view_customer", "change_customer", "view_product", "change_product")
    client.post(address(customer, "change"), {"household": "8", "email": "eve@example.com"})
    client.post(address(product, "change"), {"number": "2", "name": "coffee"})
    assert list(Customer.objects.values_list("household", "email")) == [(7, "eve@example.com")]
    assert list(Product.objects.values_list("number", "name")) == [(1, "coffee")]


@pytest.mark.parametrize("make", OURS)
@pytest.mark.parametrize("field", ["arguments_json", "result_json", "metadata", "claim", "host", "frequency"])
def test_a_field_is_not_handed_out_by_way_of_a_popup(make: Make, field: str, sign_in: Callable[..., Client]) -> None:
    row = make()
    client = sign_in(is_superuser=True)
    for page in ("changelist", "change"):
        response = client.get(address(row, page), {"_popup": "1", "_to_field": field})
        assert response.status_code == 400


def test_completing_a_field_tells_executions_to_nobody_without_permission(sign_in: Callable[..., Client]) -> None:
    child = make_execution(parent=make_execution(arguments_json='{"args":["hunter2"]}'))
    asked = {"app_label": "deferapp", "model_name": "execution", "field_name": "parent", "term": ""}
    url = reverse("admin:autocomplete")
    assert sign_in().get(url, asked).status_code == 403
    assert sign_in("view_schedule").get(url, asked).status_code == 403
    told = sign_in("view_execution").get(url, asked)
    assert told.status_code in (200, 403)
    assert b"hunter2" not in told.content
    assert child.parent_id


def test_an_execution_by_a_hostile_id_is_none(sign_in: Callable[..., Client]) -> None:
    client = sign_in("view_execution")
    for id in ("1 OR 1=1", "../../../etc/passwd", "%00", "_3Cscript_3E", "a" * 5_000):
        response = client.get(reverse("admin:deferapp_execution_change", args=[id]))
        assert response.status_code == 302
        assert response["Location"] == reverse("admin:index")


def test_alerts_and_other_tables_of_the_ledger_have_no_page() -> None:
    from django.contrib import admin

    registered = {model for model in admin.site._registry if model._meta.app_label == "deferapp"}
    assert registered <= {Execution, Schedule, Worker, Alert}
