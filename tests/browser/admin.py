"""The admin of the tests' project, in a web server of its own, and people who are signed in to it."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from typing import Any

from playwright.sync_api import Browser

from tests.processes import Project
from tests.servers import free_port
from tests.waiting import wait_until

START_SECONDS = 60.0
SUPERUSER = "root"


class AdminSite:
    """In a process, because Django's ORM refuses to work beside the event loop that drives the browser."""

    def __init__(self, project: Project) -> None:
        self.project = project
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        project.settings["DEBUG"] = True  # It serves static files.
        project.python(
            "from django.contrib.auth.models import User\n"
            f"User.objects.create_superuser('{SUPERUSER}', password='{SUPERUSER}')"
        )
        project.start("web", "django", "runserver", "--noreload", f"127.0.0.1:{port}")
        wait_until(self._answers, START_SECONDS, "the web server answers")

    def _answers(self) -> bool:
        login = f"{self.url}/admin/login/"
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(login) as response:
            return bool(response.status == 200)
        return False

    def signed_in(self, browser: Browser, name: str = SUPERUSER) -> Any:
        """The cookies of somebody who is signed in; everybody's password is their name."""
        context = browser.new_context(base_url=self.url)
        page = context.new_page()
        page.goto("/admin/login/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(name)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/admin/")
        state = context.storage_state()
        context.close()
        return state
