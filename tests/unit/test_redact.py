from __future__ import annotations

import re
from typing import Any

import pytest
from django.views.debug import SafeExceptionReporterFilter

from deferapp.redact import STARS, redact, redact_reference, redact_text

PORT = "Port could not be cast to integer value as"


class WithIban(SafeExceptionReporterFilter):
    hidden_settings = re.compile("IBAN|PASS", re.I)


def test_values_are_redacted_by_key_at_any_depth() -> None:
    value = {
        "Password": 1,
        "users": [{"api_token": {"a": 1}, "name": "Zoë"}],
        "session": [["secret", {"SECRET": None}]],
    }
    assert redact(value) == {
        "Password": STARS,
        "users": [{"api_token": STARS, "name": "Zoë"}],
        "session": [["secret", {"SECRET": STARS}]],
    }


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "password", [], {}, ["token"], {"a": {"b": [None]}}])
def test_what_has_no_secret_key_is_as_it_was(value: Any) -> None:
    assert redact(value) == value


def test_texts_in_values_are_redacted_as_texts_are() -> None:
    value = {"url": "https://api.example/?token=abc", "headers": [["X-Api-Key", "abc"], ["Accept", "*/*"]]}
    starred = [["X-Api-Key", STARS], ["Accept", "*/*"]]
    assert redact(value) == {"url": f"https://api.example/?token={STARS}", "headers": starred}


def test_a_reference_to_a_row_tells_the_key_unless_that_is_a_secret_by_its_name() -> None:
    assert redact_reference("auth.User", 42) == "auth.User 42"
    assert redact_reference("sessions.Session", "abc") == f"sessions.Session {STARS}"
    assert redact_reference("gone.Model", 42) == "gone.Model 42"


def test_the_value_itself_is_left_alone() -> None:
    value = {"a": [{"password": "x"}]}
    redact(value)
    assert value == {"a": [{"password": "x"}]}


def test_a_project_extends_the_pattern_as_it_does_for_djangos_error_reports(settings: Any) -> None:
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = f"{__name__}.WithIban"
    assert redact({"iban": "DE02", "password": "x", "token": "t"}) == {"iban": STARS, "password": STARS, "token": "t"}
    assert redact_text("iban=DE02") == f"iban={STARS}"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("token=abc&page=1", f"token={STARS}&page=1"),
        ("{'password': 'hunter2', 'a': 1}", f"{{'password': {STARS}, 'a': 1}}"),
        ('{"api_key": "x\\"y", "b": 2}', f'{{"api_key": {STARS}, "b": 2}}'),
        ('"{\\"password\\": \\"hunter2\\"}"', f'"{{\\"password\\": {STARS}}}"'),
        ("Authorization: Bearer abc.def", f"Authorization: {STARS}"),
        ("headers={'Authorization': f'Bearer x'}", f"headers={{'Authorization': {STARS}}}"),
        ("raise Refused(token='abc def')", f"raise Refused(token={STARS})"),
        ("postgres://shop:pass@host/db", f"postgres://shop:{STARS}@host/db"),
        ("note: see https://a.example/?token=abc", f"note: see https://a.example/?token={STARS}"),
        ("password='cut off in the mid", f"password={STARS}"),
        ("redis://:p@ss@host/0", f"redis://:{STARS}@host/0"),
        ("https://ghp_0123456789abcdef@host/x", f"https://{STARS}@host/x"),
        ("next=%2F%3Ftoken%3Dabc", f"next=%2F%3Ftoken%3D{STARS}"),
        ("{'tokens': ['abc', {'a': ')'}], 'b': 1}", f"{{'tokens': {STARS}, 'b': 1}}"),
        ("keys=['abc', 'cut off in the mid\nnext line", f"keys={STARS}\nnext line"),
        ("[('X-Api-Key', 'abc'), ('Accept', '*/*')]", f"[('X-Api-Key', {STARS}), ('Accept', '*/*')]"),
        ("run --password abc --name x", f"run --password {STARS} --name x"),
        ("['run', '--password', 'abc']", f"['run', '--password', '{STARS}']"),
        ("ValueError: Port could not be cast to integer value as 'abc'", f"ValueError: {PORT} {STARS}"),
        ("sent Bearer 0123456789 to it", f"sent Bearer {STARS} to it"),
    ],
)
def test_texts_are_redacted_where_a_key_stands_by_its_value(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: 'name'",
        "shop.AuthError: no",
        "password = get_password()",
        "sorted(rows, key=lambda row: row.pk)",
        'File "/srv/api/token.py", line 3, in authenticate',
        "the password is wrong",
        "redis://user@host/0",
        "http://localhost:8000/a@b",
        "the bearer of news",
        "--no-token --name x",
        "",
    ],
)
def test_texts_without_a_value_are_as_they_were(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "key=",
        "key='",
        'key="\\',
        "a=",
        "a=b",
        "://:",
        "-",
        "key:bearer ",
        "key=x(",
        "key=[",
        "key=[\n",
        "key=['',\n",
        "('key',",
        "--key ",
        "bearer ",
        "://a@",
    ],
)
def test_no_text_takes_more_than_linear_time(part: str) -> None:
    """A million characters: quadratic time would be hours."""
    text = part * (1_000_000 // len(part))
    assert redact_text(text)
