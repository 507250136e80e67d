"""Requests that enqueue, made to a real web server of the project."""

from __future__ import annotations

import statistics
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Final

from tests.processes import Project
from tests.servers import free_port
from tests.waiting import wait_until

START_SECONDS: Final = 60.0
LONGEST_SECONDS: Final = 60.0


class Web:
    """Django's web server, in a process of the project."""

    def __init__(self, project: Project) -> None:
        self._port = free_port()
        project.start("web", "django", "runserver", "--noreload", f"127.0.0.1:{self._port}")
        wait_until(self._answers, START_SECONDS, "the web server answers")

    def note(self, text: str) -> float:
        """Enqueue the note of a text by a request, which is answered by 200. Returns the seconds that it took."""
        query = urllib.parse.urlencode({"text": text})
        began = time.monotonic()
        with urllib.request.urlopen(f"{self._url}note/?{query}", timeout=LONGEST_SECONDS) as response:
            assert response.status == 200
            response.read()
        return time.monotonic() - began

    def usual_seconds(self, label: str) -> float:
        """The median of a few requests."""
        return statistics.median(self.note(f"{label} {number}") for number in range(7))

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self._url, timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True
