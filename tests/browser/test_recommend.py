"""The page "Recommend something to me now", as a visitor sees it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.site import Site

pytestmark = pytest.mark.xdist_group("browser")

WAIT_MS = 30_000
PATH = "/recommend/"


def button(page: Page) -> Locator:
    return page.get_by_role("button", name="Recommend something")


def products(page: Page) -> Locator:
    return page.get_by_role("listitem").filter(has=page.locator(".price"))


def expect_state(page: Page, state: str, words: str) -> None:
    """What the page shows, and says to those who do not see it."""
    expect(page.locator(".progress")).to_have_attribute("data-state", state, timeout=WAIT_MS)
    expect(page.get_by_role("status")).to_have_text(words)


def expect_current_step(page: Page, name: str) -> None:
    expect(page.locator("[aria-current=step]")).to_have_text(name)


def expect_products(page: Page) -> None:
    expect(products(page)).to_have_count(10, timeout=WAIT_MS)
    expect_current_step(page, "succeeded")


def has_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_it_shows_that_no_worker_runs_then_that_one_has_begun_and_then_the_products(
    site: Site, open_page: OpenPage
) -> None:
    site.without_worker()
    page = open_page(PATH)
    expect(page.locator(".steps")).to_be_hidden()
    button(page).click()
    expect_state(page, "created", "Waiting for a worker …")
    expect_current_step(page, "created")
    expect_state(page, "waiting", "Still waiting – is a worker running?")
    expect(page.get_by_text("celery -A marketplace worker")).to_be_visible()
    with site.held_up():
        site.with_worker()
        expect_state(page, "started", "Looking through purchases …")
        expect_current_step(page, "started")
        expect(page.get_by_text("celery -A marketplace worker")).to_be_hidden()
        expect(products(page)).to_have_count(0)
    expect_products(page)
    expect_state(page, "succeeded", "10 products for Household 2.")
    expect(page.get_by_role("heading", name="Picked for Household 2")).to_be_visible()


def test_a_function_that_fails_shows_an_error_without_its_message_and_one_may_try_again(
    site: Site, open_page: OpenPage
) -> None:
    site.with_worker()
    page = open_page(PATH)
    with site.untrained():
        button(page).click()
        expect_state(page, "failed", "That did not work. Please try again. (ER0003)")
    expect_current_step(page, "failed")
    assert "train" not in page.content()
    button(page).click()
    expect_products(page)


def test_it_is_used_with_the_keyboard_alone(site: Site, open_page: OpenPage) -> None:
    site.with_worker()
    page = open_page(PATH)
    page.get_by_label("I am").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(button(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect_products(page)
    expect_state(page, "succeeded", "10 products for Household 3.")
    expect(button(page)).to_be_focused()


def test_a_second_press_while_it_runs_asks_for_nothing_more(site: Site, open_page: OpenPage) -> None:
    site.with_worker()
    page = open_page(PATH)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    with site.held_up():
        button(page).click()
        expect_state(page, "started", "Looking through purchases …")
        expect(button(page)).to_be_disabled()
        page.keyboard.press("Enter")
    expect_products(page)
    assert len(posts) == 1


def test_who_has_not_opted_in_is_refused_with_the_reason(open_page: OpenPage, console: list[str]) -> None:
    page = open_page(PATH)
    page.eval_on_selector("option", "option => { option.value = '1' }")
    button(page).click()
    expect_state(page, "failed", "Nobody with this number has opted in.")
    # Chromium reports every answer of status 400.
    (message,) = console
    assert "400" in message
    console.clear()


def test_nothing_moves_for_who_wants_reduced_motion(site: Site, open_page: OpenPage) -> None:
    site.with_worker()
    names = {}
    for motion in ("no-preference", "reduce"):
        page = open_page(PATH, reduced_motion=motion)
        with site.held_up():
            button(page).click()
            expect_state(page, "started", "Looking through purchases …")
            names[motion] = page.eval_on_selector(".indicator", "element => getComputedStyle(element).animationName")
        expect_products(page)
    assert names == {"no-preference": "turn", "reduce": "none"}


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_nothing_is_wider_than_the_window(site: Site, open_page: OpenPage, width: int, scheme: str) -> None:
    site.with_worker()
    page = open_page(PATH, viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert not has_sideways_scroll(page)
    button(page).click()
    expect_products(page)
    assert not has_sideways_scroll(page)
