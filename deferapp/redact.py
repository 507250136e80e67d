"""What nobody may read is starred out, wherever people see values and texts: admin, alerts, logs, command line.

Values are redacted by key, by the pattern that Django hides settings with; a project extends it as it does for
Django's own error reports, by a filter class in `DEFAULT_EXCEPTION_REPORTER_FILTER` with `hidden_settings` of its own.
Honest limits: a secret under a harmless key, or in the middle of a sentence, is not recognised; and text is
searched for what looks like a key with its value, so that sometimes a harmless one is starred out too.
"""

from __future__ import annotations

import re
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string
from django.views.debug import SafeExceptionReporterFilter

STARS: Final = SafeExceptionReporterFilter.cleansed_substitute

# `KeyError: 'name'` is no key with its value.
_KEY: Final = re.compile(r"""(?<![\w-])([\w-]{1,100}+)(?<!Error)(?<!Exception)\\?["']?[ \t]{0,5}[:=][ \t]{0,5}""")
# A quote that does not close ends with its line: texts are cut off when they are recorded.
_VALUE: Final = re.compile(
    r"""  [bfru]{0,2}"(?:[^"\\\n]|\\.)*+"?
        | [bfru]{0,2}'(?:[^'\\\n]|\\.)*+'?
        | \\"(?:[^"\\\n]|\\[^"\n])*+(?:\\")?
        | (?:bearer|basic|token)[ ]{1,5}[^\s"',;]++
        | (?P<bare>[^\s"'&,;()\[\]{}]++)""",
    re.VERBOSE | re.IGNORECASE,
)
_PASSWORD_IN_URL: Final = re.compile(r"(?P<before>://[^\s/:@]{0,100}:)[^\s/@]{1,500}(?=@)")


def hidden_keys() -> re.Pattern[str]:
    """The pattern of keys whose values nobody may read."""
    reporter_filter = import_string(settings.DEFAULT_EXCEPTION_REPORTER_FILTER)
    pattern = getattr(reporter_filter, "hidden_settings", SafeExceptionReporterFilter.hidden_settings)
    return re.compile(pattern.pattern, pattern.flags)


def redact(value: Any, hidden: re.Pattern[str] | None = None) -> Any:
    """A copy of a JSON-like value, with stars for what stands under a key that matches `hidden`, at any depth."""
    pattern = hidden or hidden_keys()
    if isinstance(value, dict):
        return {key: STARS if pattern.search(str(key)) else redact(item, pattern) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(item, pattern) for item in value]
    return value


def redact_text(text: str, hidden: re.Pattern[str] | None = None) -> str:
    """A text such as a traceback, with stars for the values in `key=value`, `"key": "value"` and URLs' passwords."""
    pattern = hidden or hidden_keys()
    parts, position = [], 0
    while key := _KEY.search(text, position):
        parts.append(text[position : key.end()])
        position = key.end()
        value = _VALUE.match(text, position) if pattern.search(key[1]) else None
        if value:
            parts.append(value[0] if _is_code(value, text) else STARS)
            position = value.end()
    parts.append(text[position:])
    return _PASSWORD_IN_URL.sub(rf"\g<before>{STARS}", "".join(parts))


def _is_code(value: re.Match[str], text: str) -> bool:
    """Whether this is no value but an expression in a traceback's line of source: `get_password()`, `lambda: …`"""
    opens_bracket = text.startswith(("(", "["), value.end())
    return value["bare"] is not None and (opens_bracket or value["bare"] == "lambda")
