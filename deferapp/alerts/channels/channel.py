"""`DEFER["ALERTS"]`, read: a list of channels, each a dict with one of "slack", "email" and "call", and maybe a "name".

* `{"slack": "https://hooks.slack.com/services/…"}`, or `{"slack": {"token": "xoxb-…", "channel": "#operations"}}`
* `{"email": ["ops@shop.example"]}`, or `{"email": "admins"}` for those of `settings.ADMINS`
* `{"call": "shop.alerts.tell"}`: a dotted path, which is called with a `Message`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from deferapp import conf

KINDS: Final = ("slack", "email", "call")
ADMINS: Final = "admins"
_NAME_LENGTH: Final = 200


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One of them."""

    name: str
    """What the ledger, logs and people call it; never a secret."""
    kind: str
    """One of `KINDS`."""
    target: Any = field(repr=False)
    """What stands under its kind, which may be a secret."""


def configured() -> list[Channel]:
    """The channels of the settings, in their order. Raises `ValueError` for what is none."""
    channels = conf.current().ALERTS
    if isinstance(channels, (str, Mapping)) or not isinstance(channels, Sequence):
        raise ValueError(f"it is a list of channels, not a {type(channels).__qualname__}")
    found: list[Channel] = []
    for number, entry in enumerate(channels, 1):
        channel = read(entry, f"channel {number}")
        found.append(_unlike(channel, {each.name for each in found}))
    return found


def read(entry: object, place: str = "it") -> Channel:
    """One entry. Raises `ValueError` with `place` in its text, and never with a value: that may be a secret."""
    if not isinstance(entry, Mapping):
        raise ValueError(f"{place} is a dict as in {{'slack': …}}, not a {type(entry).__qualname__}")
    kinds = [kind for kind in KINDS if kind in entry]
    if unknown := [str(key) for key in entry if key not in (*KINDS, "name")]:
        raise ValueError(f"{place} has no key {unknown[0]!r:.40}; there are {', '.join((*KINDS, 'name'))}")
    if len(kinds) != 1:
        raise ValueError(f"{place} has one of {', '.join(KINDS)}, not {' and '.join(kinds) or 'none'}")
    kind, target = kinds[0], entry[kinds[0]]
    if complaint := _COMPLAINTS[kind](target):
        raise ValueError(f"{place}: {kind} is {complaint}")
    name = entry.get("name", _name(kind, target))
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_LENGTH:
        raise ValueError(f"{place}: its name is a string of 1 to {_NAME_LENGTH} characters")
    return Channel(name=name, kind=kind, target=target)


def _unlike(channel: Channel, names: set[str]) -> Channel:
    """With a number after its name, if others before it have that."""
    name, number = channel.name, 1
    while name in names:
        number += 1
        name = f"{channel.name} {number}"
    return Channel(name=name, kind=channel.kind, target=channel.target)


def _name(kind: str, target: Any) -> str:
    if kind == "slack":
        return "slack" if isinstance(target, str) else f"slack {target['channel']}"[:_NAME_LENGTH]
    return f"{kind} {target if isinstance(target, str) else ', '.join(target)}"[:_NAME_LENGTH]


def _complaint_of_slack(target: Any) -> str:
    if isinstance(target, str):
        return "" if target.startswith(("https://", "http://")) else "the URL of a webhook, or a token with a channel"
    if not isinstance(target, Mapping) or not {"token", "channel"} <= target.keys() <= {"token", "channel", "api"}:
        return 'the URL of a webhook, or {"token": …, "channel": …}'
    return "" if all(_is_text(value) for value in target.values()) else "a token and a channel that are texts"


def _complaint_of_email(target: Any) -> str:
    if target == ADMINS:
        return ""
    if isinstance(target, str) or not isinstance(target, Sequence) or not target:
        return '"admins" or a list of addresses'
    return "" if all(_is_text(each) and "@" in each for each in target) else "a list with something that is no address"


def _complaint_of_call(target: Any) -> str:
    return "" if _is_text(target) and "." in target else "the dotted path of a callable"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


_COMPLAINTS: Final = {"slack": _complaint_of_slack, "email": _complaint_of_email, "call": _complaint_of_call}
