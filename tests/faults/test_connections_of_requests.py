"""The connections of a web server to its broker and to its database are cut and stall, one by one, under requests."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.faults.wires import Wires, broken, through, wait, wired
from tests.processes import Project, ProjectMaker
from tests.servers import free_port
from tests.waiting import wait_until

# One group, so that the web server is started once.
pytestmark = pytest.mark.xdist_group("connections of requests")

REQUESTS = 12
ROUNDS = 8
MORE_SECONDS = 0.25
RUN_SECONDS = 20.0

_numbers = itertools.count()


@dataclass(frozen=True, kw_only=True)
class Site:
    """A web server on wires, and a worker with sound connections."""

    project: Project
    wires: Wires
    port: int

    def request(self, text: str, path: str = "note") -> float:
        """Ask for a note, and return the seconds until the answer, which is 200."""
        begun = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}/?text={text}", timeout=60) as response:
            response.read()
        return time.monotonic() - begun

    def request_many(self, path: str = "note") -> tuple[list[str], list[float]]:
        texts = [f"note{next(_numbers)}" for _ in range(REQUESTS)]
        return texts, [self.request(text, path) for text in texts]

    def wait_until_run(self, texts: list[str]) -> None:
        wait_until(lambda: set(texts) <= set(self.project.witness.lines()), RUN_SECONDS, "what was asked for has run")

    def assert_once(self) -> None:
        assert not [line for line, count in self.project.witness.counts().items() if count > 1]


@pytest.fixture(scope="module")
def site(make_project: ProjectMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with make_project(tmp_path_factory.mktemp("requests")) as project, wired(project) as wires:
        project.worker()
        site = Site(project=project, wires=wires, port=free_port())
        with through(project, wires):
            web = project.start("web", "django", "runserver", "--noreload", f"127.0.0.1:{site.port}")
        wait_until(lambda: _answers(site), 60, "the web server answers")
        yield site
        web.kill()


def _answers(site: Site) -> bool:
    with contextlib.suppress(OSError):
        return site.request(f"note{next(_numbers)}") > 0
    return False


@pytest.mark.parametrize(
    ("fault", "path"), [("cut", "note"), ("stalled", "note"), ("stalled", "anote"), ("stalled on the way back", "note")]
)
def test_a_request_that_enqueues_hardly_takes_longer_with_a_broken_broker(site: Site, fault: str, path: str) -> None:
    assert any(_extra_seconds(site, fault, path) < MORE_SECONDS for _ in range(ROUNDS))
    site.assert_once()


def _extra_seconds(site: Site, fault: str, path: str) -> float:
    """How much longer the slowest of some requests took than usually. (Other programs of the machine add to it.)"""
    _, usual = site.request_many(path)
    with broken(fault, site.wires.broker):
        texts, seconds = site.request_many(path)
    site.wait_until_run(texts)
    return max(seconds) - statistics.median(usual)


def test_requests_wait_for_a_database_that_stalls_and_lose_nothing(site: Site) -> None:
    texts = [f"note{next(_numbers)}" for _ in range(REQUESTS)]
    with ThreadPoolExecutor(REQUESTS) as pool:
        with broken("stalled", site.wires.database):
            answers = [pool.submit(site.request, text) for text in texts]
            wait(8)
            assert not any(answer.done() for answer in answers)
        for answer in answers:
            answer.result(RUN_SECONDS)
    site.wait_until_run(texts)
    site.assert_once()


def test_requests_that_are_answered_are_run_and_those_that_fail_without_a_database_are_not(site: Site) -> None:
    answered, failed = [], []
    with ThreadPoolExecutor(4) as pool:
        texts = [f"note{next(_numbers)}" for _ in range(150)]
        asked = {text: pool.submit(site.request, text) for text in texts}
        with broken("cut", site.wires.database):
            wait(2)
        for text, answer in asked.items():
            (failed if _is_refused(answer.exception(60)) else answered).append(text)
    site.wait_until_run(answered)
    site.assert_once()
    assert failed
    # Who gets no answer to a commit cannot know: at most the requests that were under way at the cut.
    assert len(Counter(site.project.witness.lines()) & Counter(failed)) <= 4


def _is_refused(error: BaseException | None) -> bool:
    if error is not None and not isinstance(error, urllib.error.HTTPError):
        raise error
    return error is not None
