"""The overview and the page of a function, as staff see them: live, on any screen, by keyboard, and as axe does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.admin import AdminSite
from tests.browser.conftest import POLICY
from tests.processes import ProjectMaker
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("browser")

WAIT_MS = 30_000
OVERVIEW = "/admin/deferapp/"
FUNCTION = "/admin/deferapp/execution/function/tests.shop.defer.mail/"
FILL = "from deferapp.clock import now\nfrom tests.unit.dashboard import scene\nscene.fill(now(), 30)"
TELL = (
    "from deferapp.alerts import life\nfrom deferapp.models import AlertKind\n"
    "life.open_alert(AlertKind.UNDELIVERED, 'The mailbox is full.', subject='{subject}')"
)
WINDOWS = [(390, "dark"), (1280, "light")]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdminSite]:
    """Where much has happened."""
    with make_project(tmp_path_factory.mktemp("full")) as project:
        site = AdminSite(project)
        project.python(FILL)
        yield site


@pytest.fixture(scope="module")
def new_site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdminSite]:
    """Where nothing has happened yet."""
    with make_project(tmp_path_factory.mktemp("empty")) as project:
        yield AdminSite(project)


@pytest.fixture(scope="module")
def root(browser: Browser, site: AdminSite) -> Any:
    return site.signed_in(browser)


@pytest.fixture
def open_admin(browser: Browser, console: list[str]) -> Iterator[Open]:
    """Open a page of a site under a strict Content-Security-Policy, with the cookies of somebody."""
    contexts = []

    def open(site: AdminSite, path: str, state: Any, **settings: Any) -> Page:
        context = browser.new_context(base_url=site.url, storage_state=state, **settings)
        contexts.append(context)
        context.route(lambda url: "/admin/" in url and "/static/" not in url, with_policy)
        page = context.new_page()
        page.on("pageerror", lambda error: console.append(str(error)))
        page.on("console", lambda said: console.append(said.text) if said.type in ("error", "warning") else None)
        page.clock.install()
        page.goto(path)
        return page

    yield open
    for context in contexts:
        context.unroute_all(behavior="ignoreErrors")
        context.close()


def with_policy(route: Route) -> None:
    response = route.fetch(max_redirects=0)
    route.fulfill(response=response, headers={**response.headers, "Content-Security-Policy": POLICY})


def has_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def violations(page: Page) -> list[str]:
    """What axe has against our content, while that does not change; the rest of the page is Django's."""
    live(page).click()
    found = Axe().run(page, context="#content-main").response["violations"]
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def refreshed(page: Page) -> None:
    """Let the time pass after which the page asks again."""
    with page.expect_response(lambda response: response.request.headers.get("x-deferapp-live") == "1"):
        page.clock.run_for(6_000)


def live(page: Page) -> Any:
    return page.locator("[data-deferapp-live-control]")


def test_the_page_is_refreshed_while_one_looks_and_not_loaded_anew(
    site: AdminSite, root: Any, open_admin: Open
) -> None:
    page = open_admin(site, OVERVIEW, root)
    expect(live(page)).to_have_text("live")
    page.evaluate("window.isTheSamePage = true")
    site.project.python(TELL.format(subject="carla@example.com"))
    refreshed(page)
    expect(page.get_by_text("carla@example.com")).to_be_visible(timeout=WAIT_MS)
    assert page.evaluate("window.isTheSamePage")


def test_it_rests_while_it_is_paused_and_goes_on_at_once_afterwards(
    site: AdminSite, root: Any, open_admin: Open
) -> None:
    page = open_admin(site, OVERVIEW, root)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    live(page).click()
    expect(live(page)).to_have_text("paused")
    expect(live(page)).to_have_attribute("aria-pressed", "false")
    page.clock.run_for(120_000)
    assert asked == []
    with page.expect_response(lambda response: response.ok):
        live(page).click()
        page.clock.run_for(10)
    expect(live(page)).to_have_text("live")


def test_what_somebody_reads_stays_while_the_rest_is_refreshed(site: AdminSite, root: Any, open_admin: Open) -> None:
    page = open_admin(site, OVERVIEW, root)
    page.get_by_text("As a table").click()
    page.evaluate("for (const each of document.querySelectorAll('[data-deferapp-live]')) each.isOld = true")
    refreshed(page)
    page.wait_for_function("!document.getElementById('deferapp-load').isOld")
    assert page.evaluate("document.getElementById('deferapp-activity').isOld")
    expect(page.get_by_role("columnheader", name="✓ succeeded")).to_be_visible()


def test_it_says_when_there_is_no_answer_and_asks_less_often(
    site: AdminSite, root: Any, open_admin: Open, console: list[str]
) -> None:
    page = open_admin(site, OVERVIEW, root)
    page.clock.pause_at(page.evaluate("Date.now()") / 1_000 + 1)
    tries: list[int] = []
    seconds = 0

    def wait_a_second() -> None:
        nonlocal seconds
        seconds += 1
        page.clock.run_for(1_000)

    def has_tried_thrice() -> bool:
        wait_a_second()
        return len(tries) == 3

    def has_answered() -> bool:
        wait_a_second()
        return live(page).inner_text() == "live"

    def fail(route: Route) -> None:
        tries.append(seconds)
        route.abort()

    page.route("**/admin/deferapp/", fail)
    wait_until(has_tried_thrice, WAIT_MS / 1_000, "it has asked thrice")
    expect(live(page)).to_have_text("no answer")
    assert tries[1] - tries[0] >= 9
    assert tries[2] - tries[1] >= 18
    page.unroute("**/admin/deferapp/")
    wait_until(has_answered, WAIT_MS / 1_000, "it has its answer")
    console.clear()  # Chromium reports each request that fails.


def test_who_is_signed_out_is_told(site: AdminSite, browser: Browser, open_admin: Open) -> None:
    page = open_admin(site, OVERVIEW, site.signed_in(browser))
    page.context.clear_cookies()
    refreshed(page)
    expect(live(page)).to_have_text("signed out")


def test_a_bar_opens_the_executions_of_its_time(site: AdminSite, root: Any, open_admin: Open) -> None:
    page = open_admin(site, OVERVIEW, root)
    page.locator(".deferapp-bars a").last.click(position={"x": 5, "y": 60})
    expect(page).to_have_url(re.compile("q=since%3A.*until%3A"))
    expect(page.locator("#result_list")).to_be_visible()


def test_another_range_is_chosen_with_the_keyboard_and_kept_in_the_address(
    site: AdminSite, root: Any, open_admin: Open
) -> None:
    page = open_admin(site, OVERVIEW, root)
    page.get_by_role("link", name="7 days").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}{OVERVIEW}?range=7d")
    expect(page.locator(".deferapp-range [aria-current]")).to_have_text("7 d")


def test_a_function_is_run_from_its_page_after_its_arguments_were_wrong(
    site: AdminSite, root: Any, open_admin: Open
) -> None:
    page = open_admin(site, FUNCTION, root)
    box = page.get_by_label("Arguments, in JSON")
    box.fill("[7, 8]")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("alert")).to_contain_text("too many positional arguments")
    expect(box).to_have_value("[7, 8]")
    box.fill('{"number": 7}')
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("It has been enqueued.")).to_be_visible()


@pytest.mark.parametrize("path", [OVERVIEW, FUNCTION])
@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_nothing_is_wider_than_the_window_and_axe_finds_nothing(
    site: AdminSite, root: Any, open_admin: Open, path: str, width: int, scheme: str
) -> None:
    page = open_admin(site, path, root, viewport={"width": width, "height": 844}, color_scheme=scheme)
    assert not has_sideways_scroll(page)
    page.get_by_text("As a table").click()
    assert violations(page) == []
    assert not has_sideways_scroll(page)


@pytest.mark.parametrize("query", ["range=1h", "range=7d", "range=30d&functions=all"])
def test_no_range_is_wider_than_a_phone(site: AdminSite, root: Any, open_admin: Open, query: str) -> None:
    page = open_admin(site, f"{OVERVIEW}?{query}", root, viewport={"width": 390, "height": 844})
    assert not has_sideways_scroll(page)


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_where_nothing_has_happened_it_looks_well_too(
    new_site: AdminSite, browser: Browser, open_admin: Open, width: int, scheme: str
) -> None:
    state = new_site.signed_in(browser)
    page = open_admin(new_site, OVERVIEW, state, viewport={"width": width, "height": 844}, color_scheme=scheme)
    expect(page.get_by_text("Nothing has run yet.")).to_be_visible()
    assert not has_sideways_scroll(page)
    assert violations(page) == []
