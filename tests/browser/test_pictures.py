"""The pictures of the README and the docs, as the browser shows the pages to staff.

`PICTURES=docs/pictures bin/test tests/browser/test_pictures.py -n0` makes them anew; a run without it throws them away,
and fails where one cannot be made or is shown nowhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.admin import AdminSite
from tests.processes import ProjectMaker

pytestmark = pytest.mark.xdist_group("browser")

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "docs" / "pictures"
WIDE, NARROW = (1280, 900), (390, 844)
FILL = """
from deferapp.clock import now
from tests.unit.dashboard import scene, story
scene.fill(now(), 720)
print(story.failed(now()))
print(story.fan_out(now()))
print(story.ninety_days(now()))
"""
HEARD = """
WITH heard AS (UPDATE deferapp_worker SET heartbeat_at = now() WHERE node <> 'celery@web3')
UPDATE deferapp_housekeeping SET rung_at = now() RETURNING 1
"""


@pytest.fixture(scope="module")
def site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdminSite]:
    with make_project(tmp_path_factory.mktemp("pictures")) as project:
        yield AdminSite(project)


@pytest.fixture(scope="module")
def paths(site: AdminSite) -> dict[str, str]:
    """Where each picture is taken."""
    failed, fan_out, schedule = site.project.python(FILL).split()
    admin = "/admin/deferapp"
    return {
        "overview": f"{admin}/",
        "function": f"{admin}/execution/function/tests.shop.defer.mail/?range=7d",
        "execution": f"{admin}/execution/{failed}/change/",
        "fan-out": f"{admin}/execution/{fan_out}/change/",
        "executions": f"{admin}/execution/",
        "schedule": f"{admin}/schedule/{schedule}/change/",
    }


@pytest.mark.parametrize(
    ("name", "page_name", "size", "scheme"),
    [
        ("overview", "overview", WIDE, "light"),
        ("overview-dark", "overview", WIDE, "dark"),
        ("overview-narrow", "overview", NARROW, "light"),
        ("function", "function", WIDE, "light"),
        ("execution", "execution", WIDE, "light"),
        ("fan-out", "fan-out", WIDE, "dark"),
        ("executions", "executions", WIDE, "light"),
        ("schedule", "schedule", WIDE, "light"),
    ],
)
def test_a_page_is_pictured(
    site: AdminSite,
    browser: Browser,
    paths: dict[str, str],
    tmp_path: Path,
    name: str,
    page_name: str,
    size: tuple[int, int],
    scheme: Any,
) -> None:
    site.project.query(HEARD)
    context = browser.new_context(
        base_url=site.url,
        storage_state=site.signed_in(browser),
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        device_scale_factor=1,
    )
    page = context.new_page()
    page.goto(paths[page_name])
    expect(page.locator("#content")).to_be_visible()
    picture = Path(os.environ.get("PICTURES", tmp_path)) / f"{name}.png"
    page.screenshot(path=picture, full_page=page_name != "executions")
    context.close()
    assert picture.stat().st_size > 10_000


def test_every_picture_that_is_kept_is_shown_and_every_one_that_is_shown_is_kept() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    shown = {name for page in pages for name in re.findall(r"pictures/([\w-]+\.png)", page.read_text())}
    assert shown == {picture.name for picture in KEPT.glob("*.png")}
