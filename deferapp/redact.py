"""What nobody may read is starred out, wherever people see values and texts: admin, alerts, logs, command line.

Values are redacted by key, by the pattern that Django hides settings with; a project extends it as it does for
Django's own error reports, by a filter class in `DEFAULT_EXCEPTION_REPORTER_FILTER` with `hidden_settings` of its own.
Texts, also those inside values, are searched for what looks like a key with its value, for bearer tokens and for the
credentials in URLs. Honest limits: a secret under a harmless key, or in the middle of a sentence, is not recognised;
and sometimes a harmless text is starred out too.
"""

from __future__ import annotations

import re
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string
from django.views.debug import SafeExceptionReporterFilter

STARS: Final = SafeExceptionReporterFilter.cleansed_substitute

# `KeyError: 'name'` is no key with its value. `%3D` is the `=` of a URL inside a URL.
_KEY: Final = re.compile(
    r"""(?<![\w-])([\w-]{1,100}+)(?<!Error)(?<!Exception)\\?["']?[ \t]{0,5}(?:[:=]|%3[Dd])[ \t]{0,5}"""
)
# A quote that does not close ends with its line: texts are cut off when they are recorded.
_VALUE: Final = re.compile(
    r"""  [bfru]{0,2}"(?:[^"\\\n]|\\.)*+"?
        | [bfru]{0,2}'(?:[^'\\\n]|\\.)*+'?
        | \\"(?:[^"\\\n]|\\[^"\n])*+(?:\\")?
        | (?:bearer|basic|token)[ ]{1,5}[^\s"',;]++
        | (?P<bare>[^\s"'&,;()\[\]{}]++)""",
    re.VERBOSE | re.IGNORECASE,
)
_BRACKETS: Final = re.compile(r""""(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'|(?P<opens>[(\[{])|(?P<closes>[)\]}])""")
_LONGEST_BRACKET: Final = 2_000
_DEEPEST_BRACKET: Final = 8

# `('X-Api-Key', 'abc')`, as headers are written; `--password abc` and `'--password', 'abc'`, as commands are.
_PAIR: Final = re.compile(
    r"""(?P<before>[(\[][bu]?["'](?P<key>[\w-]{1,100}+)["'],[ ]?)[bu]?(?:"[^"\n]*+"|'[^'\n]*+')(?=[)\]])"""
)
_OPTION: Final = re.compile(
    r"""(?P<before>(?<![\w-])--(?P<key>[\w-]{1,100}+)(?:["'],[ ]?["']|[ ]{1,5}))[^\s"'-][^\s"']*+"""
)
_BEARER: Final = re.compile(r"(?P<before>\bbearer[ ]{1,5})[\w.~+/=-]{8,}+", re.IGNORECASE)
# A user's name of 16 characters and more, without a password, is a token.
_IN_URL: Final = re.compile(r"(?P<before>://(?:[^\s/:@]{0,100}:(?=[^\s/]{1,500}@))?)[^\s/]{1,500}(?=@)")
_SHORTEST_TOKEN: Final = 16
# What Python says of a URL with a `#`, `/` or `?` in its password, which has to be escaped there.
_NO_PORT: Final = re.compile(r"(?<=Port could not be cast to integer value as )(?:'[^'\n]*+'|\"[^\"\n]*+\")")


def hidden_keys() -> re.Pattern[str]:
    """The pattern of keys whose values nobody may read."""
    reporter_filter = import_string(settings.DEFAULT_EXCEPTION_REPORTER_FILTER)
    pattern = getattr(reporter_filter, "hidden_settings", SafeExceptionReporterFilter.hidden_settings)
    return re.compile(pattern.pattern, pattern.flags)


def redact(value: Any, hidden: re.Pattern[str] | None = None) -> Any:
    """A copy of a JSON-like value, with stars for what stands under a key that matches `hidden`, at any depth.

    A list of two texts counts as a key and its value, as in `["Authorization", "…"]`. Other texts are redacted as
    `redact_text` does.
    """
    pattern = hidden or hidden_keys()
    if isinstance(value, dict):
        return {key: STARS if pattern.search(str(key)) else redact(item, pattern) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item, pattern) for item in _without_paired(value, pattern)]
    return redact_text(value, pattern) if isinstance(value, str) else value


def redact_text(text: str, hidden: re.Pattern[str] | None = None) -> str:
    """A text such as a traceback, with stars for the values in `key=value`, `"key": "value"`, and credentials."""
    pattern = hidden or hidden_keys()
    text = _PAIR.sub(lambda match: _starred(match, pattern), text)
    text = _OPTION.sub(lambda match: _starred(match, pattern), text)
    text = _BEARER.sub(rf"\g<before>{STARS}", _without_values(text, pattern))
    return _IN_URL.sub(_without_credentials, _NO_PORT.sub(STARS, text))


def redact_reference(label: str, pk: object) -> str:
    """`shop.Order 42`; stars for the key of a model whose primary key is a secret by its name, such as a token's."""
    from django.apps import apps

    try:
        meta = apps.get_model(label)._meta
    except (LookupError, ValueError):
        return f"{label} {pk}"
    return f"{label} {STARS if meta.pk and hidden_keys().search(meta.pk.name) else pk}"


def _without_paired(items: list[Any] | tuple[Any, ...], hidden: re.Pattern[str]) -> list[Any]:
    is_pair = len(items) == 2 and all(isinstance(item, str) for item in items) and " " not in items[0]
    return [items[0], STARS] if is_pair and hidden.search(items[0]) else list(items)


def _without_values(text: str, hidden: re.Pattern[str]) -> str:
    parts, position = [], 0
    while key := _KEY.search(text, position):
        parts.append(text[position : key.end()])
        position = key.end()
        end = _end_of_value(text, position) if hidden.search(key[1]) else position
        if end > position:
            parts.append(STARS)
            position = end
    return "".join([*parts, text[position:]])


def _end_of_value(text: str, start: int) -> int:
    """Where the value ends that begins at `start`; `start` itself if there is none."""
    if text.startswith(("(", "[", "{"), start):
        return _end_of_bracket(text, start)
    value = _VALUE.match(text, start)
    return start if value is None or _is_code(value, text) else value.end()


def _end_of_bracket(text: str, start: int) -> int:
    """Where the bracket closes that opens at `start`; the end of the line if it does not."""
    depth = 0
    for part in _BRACKETS.finditer(text, start, start + _LONGEST_BRACKET):
        depth += bool(part["opens"]) - bool(part["closes"])
        if depth == 0:
            return part.end()
        if depth > _DEEPEST_BRACKET:
            break
    line_end = text.find("\n", start)
    return len(text) if line_end < 0 else line_end


def _is_code(value: re.Match[str], text: str) -> bool:
    """Whether this is no value but an expression in a traceback's line of source: `get_password()`, `lambda: …`"""
    opens_bracket = text.startswith(("(", "["), value.end())
    return value["bare"] is not None and (opens_bracket or value["bare"] == "lambda")


def _starred(match: re.Match[str], hidden: re.Pattern[str]) -> str:
    return f"{match['before']}{STARS}" if hidden.search(match["key"]) else match[0]


def _without_credentials(match: re.Match[str]) -> str:
    has_password = match["before"].endswith(":")
    is_token = len(match[0]) - len(match["before"]) >= _SHORTEST_TOKEN
    return f"{match['before']}{STARS}" if has_password or is_token else match[0]
