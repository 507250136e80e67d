"""What Slack takes, as its documentation says, and what deferapp promises besides.

https://docs.slack.dev/reference/block-kit/blocks, …/composition-objects/text-object, …/methods/chat.postMessage
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

MOST_BLOCKS: Final = 20
"""Ours; Slack takes 50."""
MOST_CHARACTERS: Final = 9_000
"""Ours, of all texts; Slack cuts `text` at 40,000 and refuses blocks that are too long together."""
OURS: Final = re.compile(r"<!date\^\d+\^[^|<>]+\|[^<>|]+>|<https?://[^|<>\s]+\|[^<>|]+>")
"""The only angle brackets that may stand in a text: dates, and links to the site."""
KNOWN: Final = {"text", "blocks", "unfurl_links", "unfurl_media", "channel", "thread_ts", "reply_broadcast"}


def complaints(content: dict[str, Any]) -> list[str]:
    """What is wrong with a message; nothing if Slack takes it."""
    return list(_complaints(content))


def texts(content: dict[str, Any]) -> list[str]:
    """All that a person reads in its blocks."""
    return [text for block in content.get("blocks", []) for text in _texts(block)]


def _complaints(content: dict[str, Any]) -> Iterator[str]:
    if not content.get("text"):
        yield "no text"
    yield from (f"{key} is unknown" for key in content.keys() - KNOWN)
    blocks = content.get("blocks", [])
    if len(blocks) > MOST_BLOCKS:
        yield f"{len(blocks)} blocks"
    everything = [str(content.get("text", "")), *texts(content)]
    if sum(map(len, everything)) > MOST_CHARACTERS:
        yield f"{sum(map(len, everything))} characters"
    for text in everything:
        yield from _in_text(text)
    for number, block in enumerate(blocks):
        yield from (f"block {number}: {each}" for each in _in_block(block))


def _in_text(text: str) -> Iterator[str]:
    rest = OURS.sub("", text)
    if "<" in rest or ">" in rest:
        yield f"an angle bracket in {rest[:80]!r}"
    if re.search(r"&(?!(amp|lt|gt);)", rest):
        yield f"an ampersand in {rest[:80]!r}"


def _in_block(block: dict[str, Any]) -> Iterator[str]:
    check = {"header": _in_header, "section": _in_section, "context": _in_context}.get(block.get("type", ""))
    yield from check(block) if check else ["no type that is known"]


def _in_header(block: dict[str, Any]) -> Iterator[str]:
    yield from _in_object(block["text"], 150, ("plain_text",))


def _in_section(block: dict[str, Any]) -> Iterator[str]:
    if "text" not in block and not block.get("fields"):
        yield "neither text nor fields"
    if "text" in block:
        yield from _in_object(block["text"], 3_000)
    if len(block.get("fields", [])) > 10:
        yield "more than 10 fields"
    for field in block.get("fields", []):
        yield from _in_object(field, 2_000)


def _in_context(block: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(block["elements"]) <= 10:
        yield "not 1 to 10 elements"
    for element in block["elements"]:
        yield from _in_object(element, 2_000)


def _in_object(text: dict[str, Any], most: int, types: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    if text.get("type") not in types:
        yield f"a text of type {text.get('type')}"
    if not 1 <= len(text.get("text", "")) <= most:
        yield f"a text of {len(text.get('text', ''))} characters, not 1 to {most}"
    allowed = {"type", "text", "emoji"} if text.get("type") == "plain_text" else {"type", "text", "verbatim"}
    if text.keys() - allowed:
        yield f"a text with {text.keys() - allowed}"


def _texts(block: dict[str, Any]) -> Iterator[str]:
    for text in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]:
        if text:
            yield text["text"]
