"""Tracebacks: frames of one's own are open, those of libraries folded, and nothing of the text is lost."""

from __future__ import annotations

import sys
import traceback

import pytest

from deferapp.admin.execution_page import tracebacks
from deferapp.redact import STARS

OWN = '  File "/srv/app/shop/defer/mail.py", line 17, in mail\n    send(customer)\n    ~~~~^^^^^^^^^^'
LIBRARY = (
    '  File "/srv/venv/lib/python3.11/site-packages/requests/api.py", line 9, in post\n    return session.post(url)'
)
STANDARD = '  File "/usr/lib/python3.11/socket.py", line 706, in readinto\n    return self._sock.recv_into(b)'
FROZEN = '  File "<frozen importlib._bootstrap>", line 1027, in _find_and_load'
HEAD = "Traceback (most recent call last):"
END = "TimeoutError: timed out"


def test_frames_of_libraries_that_follow_each_other_are_folded_together() -> None:
    text = "\n".join([HEAD, OWN, LIBRARY, STANDARD, FROZEN, END])
    first, folded, last = tracebacks.parsed(text)
    assert (first.text, first.libraries) == (f"{HEAD}\n{OWN}", ())
    assert (folded.frames, folded.libraries) == (3, ("requests", "python"))
    assert last.text == END
    assert "\n".join(part.text for part in (first, folded, last)) == text


def test_frames_between_those_of_libraries_stay_open() -> None:
    parts = tracebacks.parsed("\n".join([HEAD, LIBRARY, OWN, LIBRARY, END]))
    assert [bool(part.libraries) for part in parts] == [False, True, False, True, False]


def test_where_all_frames_are_of_libraries_none_is_folded() -> None:
    (part,) = tracebacks.parsed("\n".join([HEAD, LIBRARY, STANDARD, END]))
    assert part.libraries == ()


def test_a_chain_of_errors_keeps_its_words() -> None:
    between = "\nDuring handling of the above exception, another exception occurred:\n"
    text = "\n".join([HEAD, LIBRARY, OWN, END, between, HEAD, OWN, "ValueError: no"])
    parts = tracebacks.parsed(text)
    assert "\n".join(part.text for part in parts) == text
    assert between in parts[-1].text


def test_what_python_writes_here_is_read() -> None:
    try:
        import json

        json.loads("{")
    except ValueError:
        parts = tracebacks.parsed(traceback.format_exc())
    assert parts[0].text.startswith(HEAD)
    assert [part.libraries for part in parts] == [(), ("python",), ()]
    assert "JSONDecodeError" in parts[-1].text


@pytest.mark.parametrize(
    ("path", "library"),
    [
        ("/srv/app/shop/mail.py", ""),
        ("shop/mail.py", ""),
        ("/venv/lib/python3.12/site-packages/django/db/models/query.py", "django"),
        ("/usr/lib/python3/dist-packages/celery/app.py", "celery"),
        (r"C:\app\venv\Lib\site-packages\celery\app.py", "celery"),
        ("/usr/local/lib/python3.13/asyncio/runners.py", "python"),
        (sys.modules["json"].__file__, "python"),
        ("<frozen runpy>", "python"),
        ("<string>", ""),
    ],
)
def test_whose_file_it_is(path: str, library: str) -> None:
    assert tracebacks.library_of(path) == library


def test_secrets_are_starred_out_and_markup_is_text() -> None:
    hostile = "\n".join([HEAD, OWN.replace("customer", 'api_key="hunter2"'), LIBRARY, "E: </pre><script>\u202e"])
    html = tracebacks.html(hostile)
    assert "hunter2" not in html
    assert STARS in html
    assert "<script>" not in html
    assert "\\u202e" in html


@pytest.mark.parametrize("text", ["", "\n", "no traceback", '  File "', '  File "a", line 1\n' * 20_000, "\n" * 50_000])
def test_whatever_stands_there_is_shown_in_bounded_time_and_size(text: str) -> None:
    assert len(tracebacks.html(text)) < 60_000
