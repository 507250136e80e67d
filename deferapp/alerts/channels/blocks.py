"""A message as Slack's blocks, within Slack's limits and ours: 20 blocks and 9,000 characters in all.

Slack's own are those of https://docs.slack.dev/reference/block-kit/blocks: 150 characters of a header, ten fields a
section of 2,000 characters each, 3,000 of a section's text. Data stands in plain text or in code, with `& < >`
escaped, so that it can neither mention anybody nor be a link.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from deferapp.alerts.message import Link, Message

HEADER: Final = 150
FALLBACK: Final = 400
"""Characters of `text`, which notifications show."""
SUMMARY: Final = 600
FRAMES: Final = 1_500
LINES: Final = 2_400
MOST_FIELDS: Final = 10
FIELD_NAME, FIELD_VALUE = 40, 150
MOST_LINKS: Final = 4
LONGEST_URL: Final = 300

_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def payload(message: Message) -> dict[str, Any]:
    """`text` and `blocks`, as webhooks and `chat.postMessage` take them."""
    return {"text": fallback(message), "blocks": list(_blocks(message)), "unfurl_links": False, "unfurl_media": False}


def fallback(message: Message) -> str:
    return escaped(": ".join(part for part in (_line(message.header), _line(message.summary)) if part), FALLBACK)


def escaped(text: str, limit: int) -> str:
    """At most `limit` characters when escaped, cut between two of the text and then with an ellipsis."""
    whole = "".join(_ESCAPES.get(character, character) for character in text[: limit + 1])
    if len(text) <= limit and len(whole) <= limit:
        return whole
    kept, length = [], 0
    for character in text:
        kept.append(_ESCAPES.get(character, character))
        length += len(kept[-1])
        if length > limit - 1:
            return "".join(kept[:-1]) + "…"
    return "".join(kept)


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "text": _plain(_line(message.header), HEADER)}
    if message.fields:
        yield {"type": "section", "fields": [_field(*each) for each in message.fields[:MOST_FIELDS]]}
    if summary := message.summary.strip():
        yield {"type": "section", "text": _plain(summary, SUMMARY)}
    if lines := "\n".join(map(_line, message.lines)).strip():
        yield {"type": "section", "text": _plain(lines, LINES)}
    if message.frames.strip():
        yield {"type": "section", "text": {"type": "mrkdwn", "text": _code(message.frames)}}
    links = [_link(link) for link in message.links[:MOST_LINKS] if len(link.url) <= LONGEST_URL]
    if links:
        yield {"type": "context", "elements": [{"type": "mrkdwn", "text": "  ·  ".join(links)}]}


def _plain(text: str, limit: int) -> dict[str, Any]:
    """Without marks and mentions, and with escapes all the same: Slack keeps `&` as `&amp;` here too."""
    return {"type": "plain_text", "text": escaped(text, limit), "emoji": False}


def _field(name: str, value: str | datetime) -> dict[str, Any]:
    shown = _moment(value) if isinstance(value, datetime) else escaped(_line(value), FIELD_VALUE)
    return {"type": "mrkdwn", "text": f"*{escaped(_line(name), FIELD_NAME)}*\n{shown or '–'}", "verbatim": True}


def _moment(value: datetime) -> str:
    """Shown in the reader's zone."""
    return f"<!date^{int(value.timestamp())}^{{date_num}} {{time_secs}}|{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC>"


def _code(text: str) -> str:
    """The end of it, where the error is, from a line's beginning if there is one."""
    text = text.replace("```", "'''").rstrip()
    room = FRAMES - len("```\n…\n```")
    for start in (max(0, len(text) - room), *range(max(0, len(text) - room), len(text), 50)):
        kept = text[start:]
        if start and "\n" in kept[:-1]:
            kept = "…" + kept[kept.index("\n") :]
        shown = escaped(kept, 10 * FRAMES)
        if len(shown) <= room:
            return f"```\n{shown}\n```"
    return ""


def _link(link: Link) -> str:
    url = escaped(link.url.replace("|", "%7C").replace(" ", "%20"), 2 * LONGEST_URL)
    return f"<{url}|{escaped(_line(link.text), FIELD_NAME)}>"


def _line(text: str) -> str:
    return " ".join(text.split())
