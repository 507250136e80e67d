"""The link that ends the weekly mails."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from marketplace.mails.unsubscribe import customer_of, link
from marketplace.models import Customer

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def stranger() -> Client:
    """Somebody without a log-in, a cookie or a CSRF token, such as the server of a mail program."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def path(customer: Customer) -> str:
    return link(customer).removeprefix("https://shop.example")


def is_opted_in(customer: Customer) -> bool:
    return Customer.objects.get(pk=customer.pk).weekly_product_recommendations


@pytest.mark.parametrize("method", ["get", "head"])
def test_following_the_link_asks_and_changes_nothing(
    stranger: Client, path: str, customer: Customer, method: str
) -> None:
    response = getattr(stranger, method)(path)
    assert response.status_code == 200
    assert is_opted_in(customer)


def test_the_page_has_a_button_that_posts(stranger: Client, path: str) -> None:
    html = stranger.get(path).content.decode()
    assert '<form method="post"><button' in html
    assert "ada@example.com" in html


def test_one_click_of_a_mail_program_ends_the_mails(stranger: Client, path: str, customer: Customer) -> None:
    assert stranger.post(path, ONE_CLICK).status_code == 200
    customer.refresh_from_db()
    assert not customer.weekly_product_recommendations
    assert customer.opt_in_ended_at is not None
    assert customer.opt_in_ended_because == "unsubscribed by the link in a mail"


def test_the_button_ends_the_mails_and_the_page_says_so(stranger: Client, path: str, customer: Customer) -> None:
    assert "You are unsubscribed" in stranger.post(path).content.decode()
    assert not is_opted_in(customer)


def test_unsubscribing_twice_keeps_the_first_reason(stranger: Client, path: str, customer: Customer) -> None:
    customer.end_opt_in("a complaint")
    assert "You are unsubscribed" in stranger.post(path, ONE_CLICK).content.decode()
    customer.refresh_from_db()
    assert customer.opt_in_ended_because == "a complaint"


def test_nobody_else_is_unsubscribed(stranger: Client, path: str) -> None:
    other = Customer.objects.create(household=8, email="bob@example.com", weekly_product_recommendations=True)
    stranger.post(path, ONE_CLICK)
    assert is_opted_in(other)


@pytest.mark.parametrize("token", ["7", "7:", "7:forged", ":", "seven:x", "7:" + "A" * 43])
def test_a_forged_link_is_not_found(stranger: Client, customer: Customer, token: str) -> None:
    response = stranger.post(f"/unsubscribe/{token}/", ONE_CLICK)
    assert response.status_code == 404
    assert "This link does not work" in response.content.decode()
    assert is_opted_in(customer)


def test_a_signature_does_not_fit_another_customer(customer: Customer) -> None:
    other = Customer.objects.create(household=8, email="bob@example.com", weekly_product_recommendations=True)
    signature = link(customer).rstrip("/").rpartition(":")[2]
    assert customer_of(f"7:{signature}") == customer
    assert customer_of(f"{other.pk}:{signature}") is None


def test_the_link_of_a_deleted_customer_is_not_found(stranger: Client, path: str, customer: Customer) -> None:
    customer.delete()
    assert stranger.get(path).status_code == 404


def test_links_survive_a_change_of_the_secret_key(path: str, customer: Customer, settings: LazySettings) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one"
    token = path.removeprefix("/unsubscribe/").rstrip("/")
    assert customer_of(token) == customer


def test_other_methods_are_not_allowed(stranger: Client, path: str) -> None:
    assert stranger.delete(path).status_code == 405


def test_the_page_is_not_kept_in_caches(stranger: Client, path: str) -> None:
    assert "no-store" in stranger.get(path)["Cache-Control"]
