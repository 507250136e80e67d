"""A schedule in the admin, as the person sees it who edits, pauses, runs, resets and backfills it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.site import Site

pytestmark = pytest.mark.xdist_group("browser")

LIST = "/admin/deferapp/schedule/"


@pytest.fixture(scope="module")
def ada(browser: Browser, site: Site) -> Any:
    """The cookies of a superuser who is signed in."""
    site.with_superuser("ada")
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    page.goto("/admin/login/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("ada")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")
    state = context.storage_state()
    context.close()
    return state


def open_schedule(open_page: OpenPage, ada: Any, name: str, **settings: Any) -> Page:
    page = open_page(LIST, storage_state=ada, **settings)
    page.get_by_role("link", name=name).click()
    page.wait_for_url("**/change/")
    return page


def expect_told(page: Page, text: str) -> None:
    expect(page.get_by_role("list").filter(has_text=text).first).to_be_visible()


def has_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def preview(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        page.get_by_label(name).fill(text)
    page.locator("input[name=_preview]").click()


def test_a_frequency_is_edited_after_it_was_shown_and_given_back_to_the_code(
    site: Site, open_page: OpenPage, ada: Any
) -> None:
    page = open_schedule(open_page, ada, "train_recommender")
    expect(page.get_by_role("button", name="Reset to the code")).to_have_count(0)
    page.get_by_role("link", name="Edit frequency").click()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    preview(page, Frequency="61 9 * * mon")
    expect(page.locator(".errorlist")).to_contain_text("minute:")
    preview(page, Frequency="45 9 * * mon")
    shown = page.get_by_role("region", name="What that means")
    expect(shown).to_contain_text("at 09:45 on Monday")
    expect(shown.locator("time")).to_have_count(5)
    page.get_by_role("button", name="Save").click()
    expect_told(page, "Saved: it runs at 09:45 on Monday, UTC.")
    expect(page.locator(".deferapp-override")).to_contain_text("Edited by ada")
    expect(page.get_by_role("region", name="Next runs").locator("time").first).to_contain_text("09:45 UTC")
    page.get_by_role("button", name="Reset to the code").click()
    expect_told(page, "Reset: the frequency is the code's")
    expect(page.locator(".deferapp-override")).to_have_count(0)
    expect(page.get_by_role("region", name="What people did").get_by_role("listitem")).to_have_count(2)


def test_a_schedule_is_paused_run_now_and_resumed(site: Site, open_page: OpenPage, ada: Any) -> None:
    page = open_schedule(open_page, ada, "weekly_product_")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".deferapp-override")).to_contain_text("Paused by ada")
    expect(page.get_by_role("region", name="Next runs")).to_contain_text("None: it is not active.")
    page.get_by_role("button", name="Run now").click()
    expect_told(page, "It runs as soon as a worker is free: execution")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".deferapp-override")).to_have_count(0)
    expect(page.get_by_role("region", name="Next runs").locator("time")).to_have_count(5)
    entries = page.get_by_role("region", name="What people did").get_by_role("listitem")
    for number, words in enumerate(("Resumed.", "Run now: execution", "Paused.")):
        expect(entries.nth(number)).to_contain_text(words)


def test_due_moments_of_the_past_are_backfilled_once(site: Site, open_page: OpenPage, ada: Any) -> None:
    page = open_schedule(open_page, ada, "weekly_product_")
    page.get_by_role("link", name="Backfill").click()
    ends = datetime.now(UTC) - timedelta(days=1)
    fields = {"From (UTC)": f"{ends - timedelta(days=14):%Y-%m-%dT%H:%M}", "To (UTC)": f"{ends:%Y-%m-%dT%H:%M}"}
    preview(page, **fields)
    expect(page.get_by_role("region", name="What would fire")).to_contain_text("Due moments")
    page.get_by_role("button", name="Fire 2 due moments").click()
    expect_told(page, "2 due moments have fired.")
    expect(page.get_by_role("region", name="Recent due moments").get_by_role("row")).to_have_count(3)
    page.get_by_role("link", name="Backfill").click()
    preview(page, **fields)
    expect(page.get_by_role("region", name="What would fire")).to_contain_text("Nothing: all 2 due moments")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_nothing_is_wider_than_the_window(site: Site, open_page: OpenPage, ada: Any, width: int, scheme: str) -> None:
    size = {"width": width, "height": 844}
    page = open_schedule(open_page, ada, "train_recommender", viewport=size, color_scheme=scheme)
    assert not has_sideways_scroll(page)
    here = page.url.removesuffix("change/")
    for address in (LIST, f"{here}edit/", f"{here}backfill/"):
        page.goto(address)
        assert not has_sideways_scroll(page)
