"""What is typed becomes a `Search`, or a `SearchError` that names the word that cannot be."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from deferapp.durations import as_date, as_duration
from deferapp.exceptions import DurationError, OptionError, SearchError
from deferapp.executions.search.find import END_OF_ID, Search, as_id
from deferapp.executions.search.split import split
from deferapp.executions.states import State
from deferapp.functions.options import check_metadata

MOST_WORDS: Final = 20
_META: Final = "meta."


def parse(text: str, moment: datetime) -> Search:
    """What the text searches for; durations in it count back from the moment. Raises `SearchError`."""
    words = split(text)
    if len(words) > MOST_WORDS:
        raise SearchError(_("A search has at most %(most)s words.") % {"most": MOST_WORDS})
    draft = _Draft(moment=moment)
    for word in words:
        key, colon, value = word.partition(":")
        if colon:
            _read(draft, key, value, word)
        else:
            draft.free.append(word)
    return draft.search(" ".join(text.split()))


@dataclass(kw_only=True)
class _Draft:
    """A search whose words are being read."""

    moment: datetime
    states: list[State] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    parent: UUID | None = None
    error: str | None = None
    free: list[str] = field(default_factory=list)

    def search(self, text: str) -> Search:
        return Search(
            text=text,
            states=frozenset(self.states),
            functions=tuple(self.functions),
            ids=tuple(self.ids),
            metadata=self.metadata,
            since=self.since,
            until=self.until,
            parent=self.parent,
            error=self.error,
            free=tuple(self.free),
        )


def _read(draft: _Draft, key: str, value: str, word: str) -> None:
    if not value:
        raise SearchError(_("Nothing follows %(word)s") % {"word": word})
    if key[: len(_META)].lower() == _META:
        _metadata(draft, key[len(_META) :], value, word)
    elif key.lower() in _READERS:
        _READERS[key.lower()](draft, value, word)
    else:
        raise _unknown(key.lower(), word)


def _unknown(key: str, word: str) -> SearchError:
    close = difflib.get_close_matches(key, _READERS, n=1, cutoff=0.7)
    if close:
        meant = {"word": word, "meant": f"{close[0]}:"}
        return SearchError(_("%(word)s is no word of a search. Did you mean %(meant)s?") % meant)
    known = ", ".join(f"{name}:" for name in (*_READERS, f"{_META}<key>"))
    return SearchError(_("%(word)s is no word of a search. There are %(known)s") % {"word": word, "known": known})


def _metadata(draft: _Draft, key: str, value: str, word: str) -> None:
    try:
        check_metadata({key: value})
    except OptionError as error:
        raise SearchError(f"{word}: {error}") from None
    if draft.metadata.setdefault(key, value) != value:
        raise _twice(word)


def _state(draft: _Draft, value: str, word: str) -> None:
    for name in value.lower().split(","):
        if name not in State.values:
            known = ", ".join(State.values)
            raise SearchError(
                _("%(word)s: %(name)s is no state. There are %(known)s") % {"word": word, "name": name, "known": known}
            )
        draft.states.append(State(name))


def _function(draft: _Draft, value: str, _word: str) -> None:
    draft.functions.append(value)


def _id(draft: _Draft, value: str, word: str) -> None:
    if as_id(value) is None and END_OF_ID.fullmatch(value.replace("-", "")) is None:
        raise SearchError(_("%(word)s: this is neither an id nor the end of one, of 6 digits or more") % {"word": word})
    draft.ids.append(value)


def _parent(draft: _Draft, value: str, word: str) -> None:
    parent = as_id(value)
    if parent is None:
        raise SearchError(_("%(word)s: this is no id") % {"word": word})
    if draft.parent not in (None, parent):
        raise _twice(word)
    draft.parent = parent


def _error(draft: _Draft, value: str, word: str) -> None:
    if draft.error not in (None, value):
        raise _twice(word)
    draft.error = value


def _since(draft: _Draft, value: str, word: str) -> None:
    if draft.since is not None:
        raise _twice(word)
    draft.since = _moment(draft.moment, value, word)


def _until(draft: _Draft, value: str, word: str) -> None:
    if draft.until is not None:
        raise _twice(word)
    draft.until = _moment(draft.moment, value, word, to_the_end_of=timedelta(days=1))


def _moment(moment: datetime, value: str, word: str, to_the_end_of: timedelta = timedelta()) -> datetime:
    """So long ago, or at that date. A day means its midnight, or its end if it is to count with it."""
    try:
        day = _day(value)
        if day is not None:
            return as_date(datetime.combine(day + to_the_end_of, time()))
        there = _date(value)
        return moment - as_duration(value) if there is None else as_date(there)
    except (DurationError, OverflowError):
        raise SearchError(
            _('%(word)s: this is no time; write "2h", "3 days", 2026-11-01 or 2026-11-01T09:30') % {"word": word}
        ) from None


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if "-" in value else None
    except ValueError:
        return None


def _date(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if "-" in value else None
    except ValueError:
        return None


def _twice(word: str) -> SearchError:
    return SearchError(_("%(word)s: another one stands before it") % {"word": word})


_Reader = Callable[[_Draft, str, str], None]
_READERS: Final[Mapping[str, _Reader]] = {
    "state": _state,
    "fn": _function,
    "since": _since,
    "until": _until,
    "parent": _parent,
    "error": _error,
    "id": _id,
}
WORDS: Final = (*_READERS, f"{_META}KEY")
"""What may stand before a colon."""
