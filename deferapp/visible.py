"""Text from elsewhere, such as an error's message, made harmless to read: in pages, messages and terminals."""

from __future__ import annotations

import re
from typing import Final

# What nobody sees, what turns the text around it, and what no page can hold: controls, Unicode's marks of direction
# and of zero width, lone surrogates.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)


def visible(text: str) -> str:
    """The text with its invisible characters written as escapes, so that none can disguise what stands there."""
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
