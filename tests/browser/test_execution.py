"""A fan-out with failures, as the person sees it who is to repair it: in the tests' project, with a real worker."""

from __future__ import annotations

import contextlib
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenPage
from tests.processes import Project, ProjectMaker
from tests.servers import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("browser")

WAIT_MS = 60_000
LIST = "/admin/deferapp/execution/"
HOSTILE = "</pre></script><script>document.title = 'taken'</script>\u202egnp.exe"


class AdminSite:
    """The admin of the tests' project, in a process of its own."""

    def __init__(self, project: Project) -> None:
        self.project = project
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        project.settings["DEBUG"] = True  # It serves static files.
        project.python(
            "from django.contrib.auth.models import User\nUser.objects.create_superuser('ada', password='ada')"
        )
        project.start("web", "django", "runserver", "--noreload", f"127.0.0.1:{port}")
        wait_until(self._answers, 60, "the web server answers")

    def _answers(self) -> bool:
        login = f"{self.url}/admin/login/"
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(login) as response:
            return bool(response.status == 200)
        return False


@pytest.fixture(scope="module")
def site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdminSite]:
    with make_project(tmp_path_factory.mktemp("admin")) as project:
        yield AdminSite(project)


@pytest.fixture(scope="module")
def ada(browser: Browser, site: AdminSite) -> Any:
    """The cookies of a superuser who is signed in."""
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


def address(id: str) -> str:
    return f"{LIST}{id}/change/"


def expect_children(page: Page, progress: str, **counts: int) -> None:
    """The numbers of the family: how many have ended, and how many are in each state."""
    family = page.get_by_role("region", name="Children")
    expect(family.locator(".deferapp-progress b")).to_have_text(progress, timeout=WAIT_MS)
    texts = [re.compile(rf"{state}\s+{count}$") for state, count in counts.items()]
    expect(family.get_by_role("listitem")).to_have_text([*texts, re.compile("^all")], timeout=WAIT_MS)


def has_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def violations(page: Page, console: list[str]) -> list[str]:
    """What axe has against our content; the rest of the page is Django's."""
    said = list(console)
    found = Axe().run(page, context="#content-main").response["violations"]
    console[:] = said  # axe measures with inline styles, which the policy forbids it too.
    return [f"{each['id']}: {node['target']}" for each in found for node in each["nodes"]]


def test_a_fan_out_with_failures_is_watched_understood_and_repaired(
    site: AdminSite, open_page: OpenPage, ada: Any, console: list[str]
) -> None:
    id = site.project.python(
        "from tests.shop.defer.deliver_all import deliver_all\nprint(deliver_all('north', 9).id)"
    ).splitlines()[-1]
    page = open_page(address(id), storage_state=ada)
    now = page.locator(".deferapp-now")
    expect(now).to_contain_text("created")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    assert violations(page, console) == []

    site.project.worker("threads", 2)
    expect(now).to_contain_text("succeeded", timeout=WAIT_MS)
    expect(page.get_by_role("img", name=re.compile("attempt 1 failed.*attempt 2 succeeded"))).to_be_visible()
    expect_children(page, "10/10", succeeded=7, failed=3)  # With what comes after the nine.

    failed = page.get_by_role("row").filter(has_text="failed").first
    expect(failed).to_contain_text("ConnectionError: no way to")
    failed.get_by_role("link").click()
    expect(page.locator(".deferapp-now")).to_contain_text("failed")
    expect(page.get_by_text('raise ConnectionError(f"no way to {number}")')).to_be_visible()
    expect(page.get_by_role("region", name="Arguments")).to_contain_text("north")

    page.get_by_role("link", name="deliver_all").click()
    (site.project.witness.path.parent / f"{site.project.witness.path.name}.north").touch()
    page.get_by_role("button", name="Retry the 3 that failed").click()
    expect(page.get_by_text("Retry: 3 executions.")).to_be_visible()
    expect_children(page, "10/10", succeeded=10)
    expect(page.get_by_role("button", name="Retry the")).to_have_count(0)
    expect(page.get_by_role("region", name="What people did")).to_contain_text("ada Retry 3 executions")


@pytest.fixture
def hostile(site: AdminSite) -> str:
    """The id of an execution that failed with hostile texts wherever a function's author could not keep them out."""
    return site.project.python(
        f"""
import json
from django.utils import timezone
from deferapp.models import Attempt, Execution
hostile, now = {HOSTILE!r}, timezone.now()
execution = Execution.objects.create(
    function=hostile, state="failed", attempt=1, due_at=now, started_at=now, ended_at=now, reason=hostile * 5,
    arguments_json=json.dumps({{"kwargs": {{hostile: hostile * 20_000}}}}),
)
Attempt.objects.create(
    execution=execution, number=1, outcome="failed", started_at=now, ended_at=now, worker=hostile,
    error_type=hostile, error_message=hostile * 500, traceback=hostile + "x" * 5_000 + "\\n" + hostile,
)
print(execution.pk)
"""
    ).splitlines()[-1]


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_hostile_texts_are_shown_harmlessly_nothing_is_wider_than_the_window_and_axe_finds_nothing(
    open_page: OpenPage, ada: Any, console: list[str], hostile: str, width: int, scheme: str
) -> None:
    for path in (address(hostile), LIST, f"{LIST}bulk/?action=retry"):
        page = open_page(path, storage_state=ada, viewport={"width": width, "height": 844}, color_scheme=scheme)
        assert not has_sideways_scroll(page)
        assert "taken" not in page.title() or "document.title" in page.title()
        assert "\u202e" not in page.inner_text("body")
        assert page.evaluate("document.querySelectorAll('#content script').length") == 0
        assert violations(page, console) == []


def test_arguments_are_copied_as_they_are_shown(open_page: OpenPage, ada: Any, hostile: str) -> None:
    page = open_page(address(hostile), storage_state=ada, permissions=["clipboard-read", "clipboard-write"])
    arguments = page.get_by_role("region", name="Arguments")
    arguments.get_by_role("button", name="Copy").click()
    expect(arguments.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == arguments.locator("pre").inner_text()


def test_all_that_match_are_selected_asked_for_and_retried(site: AdminSite, open_page: OpenPage, ada: Any) -> None:
    site.project.python(
        """
from django.utils import timezone
from deferapp.models import Execution
now = timezone.now()
Execution.objects.bulk_create(
    Execution(function="tests.shop.defer.note", state="failed", due_at=now, ended_at=now,
              arguments_json='{"args":["again"]}') for _ in range(60)
)
"""
    )
    page = open_page(f"{LIST}?function=tests.shop.defer.note&state=failed", storage_state=ada)
    page.locator("#action-toggle").check()
    page.get_by_role("button", name="Select all 60 that match").click()
    page.get_by_label("Action:").select_option(label="Retry those that have failed")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.get_by_text("Retry 60 executions")).to_be_visible()
    page.get_by_role("button", name="Retry 60").click()
    expect(page.get_by_text("Retry: 60 executions.")).to_be_visible()
    rows = "SELECT count(*) FROM deferapp_execution WHERE function = 'tests.shop.defer.note' AND state = 'failed'"
    assert site.project.query(rows) == [(0,)]
