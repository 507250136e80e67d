"""What is thought of the errors of requests, httpx and urllib, raised by the real libraries."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from deferapp.clock import now
from deferapp.executions.endings.errors import Verdict, judge, retry_after
from deferapp.executions.endings.errors.verdict import PERMANENT, TRANSIENT
from tests.unit.retry import servers
from tests.unit.retry.servers import Answer

TIMEOUT = 0.2


def by_requests(url: str) -> None:
    requests.get(url, timeout=TIMEOUT).raise_for_status()


def by_httpx(url: str) -> None:
    with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
        client.get(url).raise_for_status()


def by_urllib(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(url, timeout=TIMEOUT).close()


LIBRARIES = [by_requests, by_httpx, by_urllib]
each_library = pytest.mark.parametrize("get", LIBRARIES)
Get = Callable[[str], None]


def error_of(get: Get, url: str) -> BaseException:
    try:
        get(url)
    except Exception as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        return error
    raise AssertionError("nothing was raised")


@pytest.fixture
def answer() -> Answer:
    return Answer()


@pytest.fixture
def url(answer: Answer) -> Iterator[str]:
    with servers.http_server(answer) as url:
        yield url


@each_library
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (400, PERMANENT),
        (401, PERMANENT),
        (403, PERMANENT),
        (404, PERMANENT),
        (409, PERMANENT),
        (410, PERMANENT),
        (422, PERMANENT),
        (408, TRANSIENT),
        (425, TRANSIENT),
        (429, TRANSIENT),
        (500, TRANSIENT),
        (502, TRANSIENT),
        (503, TRANSIENT),
        (504, TRANSIENT),
        (599, TRANSIENT),
    ],
)
def test_a_request_that_will_never_do_ends_the_execution(
    get: Get, url: str, answer: Answer, status: int, verdict: Verdict
) -> None:
    answer.status = status
    assert judge(error_of(get, url)) == verdict


@each_library
@pytest.mark.parametrize("status", [429, 503, 403, 413])
def test_a_server_that_says_when_to_come_back_is_believed(get: Get, url: str, answer: Answer, status: int) -> None:
    answer.status, answer.headers = status, {"retry-after": "90"}
    assert judge(error_of(get, url)) == Verdict(retry_after=timedelta(seconds=90), is_postponed=True)


@each_library
def test_a_server_may_name_a_date_to_come_back_at(get: Get, url: str, answer: Answer) -> None:
    answer.status = 503
    answer.headers = {"Retry-After": format_datetime(now() + timedelta(minutes=10), usegmt=True)}
    verdict = judge(error_of(get, url))
    assert verdict.is_postponed
    assert timedelta(minutes=9) < verdict.retry_after <= timedelta(minutes=10)


@each_library
def test_a_date_that_means_nothing_leaves_it_to_the_status(get: Get, url: str, answer: Answer) -> None:
    answer.headers = {"Retry-After": "soon"}
    answer.status = 429
    assert judge(error_of(get, url)) == TRANSIENT
    answer.status = 404
    assert judge(error_of(get, url)) == PERMANENT


@each_library
def test_a_server_that_is_down_is_tried_again(get: Get) -> None:
    assert judge(error_of(get, f"http://{servers.HOST}:{servers.closed_port()}/")) == TRANSIENT


@each_library
def test_a_server_that_says_nothing_is_tried_again(get: Get) -> None:
    with servers.silent_server() as port:
        assert judge(error_of(get, f"http://{servers.HOST}:{port}/")) == TRANSIENT


@each_library
def test_a_server_that_hangs_up_is_tried_again(get: Get) -> None:
    with servers.brusque_server() as port:
        assert judge(error_of(get, f"http://{servers.HOST}:{port}/")) == TRANSIENT


@each_library
def test_a_name_that_is_not_known_is_tried_again(get: Get) -> None:
    assert judge(error_of(get, "http://nowhere.invalid/")) == TRANSIENT


def test_an_error_without_an_answer_may_pass() -> None:
    assert judge(requests.HTTPError("no response")) == TRANSIENT
    assert judge(requests.TooManyRedirects("round and round")) == TRANSIENT


def test_no_library_is_imported_to_recognise_its_errors() -> None:
    program = """
import sys
from deferapp.executions.endings.errors import judge
judge(ValueError("x"))
print(*{"requests", "httpx", "anymail", "smtplib", "urllib.error"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    # Django's own settings may load urllib; what the judgement needs is none of them.
    assert set(done.stdout.split()) <= {"urllib.error", "smtplib"}


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 1),
        ("86400", 86_400),
        ("999999999", 86_400),
        ("Sun, 01 Mar 2026 12:05:00 GMT", 300),
        ("Sunday, 01-Mar-26 12:05:00 GMT", 300),
        ("Sun, 01 Mar 2026 12:05:00 -0000", 300),
        ("Sun, 01 Mar 2026 14:05:00 +0200", 300),
        ("Fri, 01 Mar 2126 12:00:00 GMT", 86_400),
        ("Sun, 01 Mar 2026 11:59:59 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("٣", None),
        ("120, 120", None),
        ("99999999999999999999", None),
        ("tomorrow", None),
        ("", None),
        (None, None),
        (120, None),
    ],
)
def test_the_time_to_come_back_is_read_in_seconds_or_as_a_date_and_bounded(header: object, seconds: int | None) -> None:
    wait = retry_after.parse(header, NOW)
    assert wait == (None if seconds is None else timedelta(seconds=seconds))


@given(
    st.one_of(
        st.text(), st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,5} [0-9:]{5,9}( [A-Z+0-9-]{1,6})?")
    )
)
def test_whatever_a_server_says_the_wait_is_between_a_second_and_a_day(header: str) -> None:
    wait = retry_after.parse(header, NOW)
    assert wait is None or timedelta(seconds=1) <= wait <= timedelta(days=1)
