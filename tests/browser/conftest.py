"""A browser, the sample's site, and pages on which nothing may go wrong unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.browser.site import Site
from tests.processes import ProjectMaker
from tests.servers import find_chromium

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
POLICY = "default-src 'self'"

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: its event loop must not be left to tests with one of their own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with make_project(tmp_path_factory.mktemp("site")) as project:
        site = Site(project)
        site.start()
        yield site


@pytest.fixture
def console() -> Iterator[list[str]]:
    """The errors and warnings of the test's pages: none is left at its end."""
    messages: list[str] = []
    yield messages
    assert messages == []


@pytest.fixture
def open_page(browser: Browser, site: Site, console: list[str]) -> Iterator[OpenPage]:
    """Open a path of the site in a browser context with these settings, under a strict Content-Security-Policy."""
    contexts = []

    def open(path: str, **settings: Any) -> Page:
        context = browser.new_context(base_url=site.url, **settings)
        contexts.append(context)
        context.route(lambda url: url.endswith(path), _with_policy)
        page = context.new_page()
        page.on("pageerror", lambda error: console.append(str(error)))
        page.on("console", lambda said: console.append(said.text) if said.type in ("error", "warning") else None)
        page.goto(path)
        return page

    yield open
    for context in contexts:
        context.close()


def _with_policy(route: Route) -> None:
    response = route.fetch()
    route.fulfill(response=response, headers={**response.headers, "Content-Security-Policy": POLICY})
