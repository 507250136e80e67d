"""The search box of the list of executions: an id, the end of an id, or a part of a function's name.

Each is turned into what an index finds, so that no search reads the whole ledger.
"""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from deferapp.admin.filters import as_id
from deferapp.executions import names
from deferapp.models import Execution

NEWEST: Final = 10_000
"""Executions among which the end of an id is looked for: no index begins at the end."""
MOST_WORDS: Final = 5
"""Words of a search; further ones are ignored."""
_END_OF_ID: Final = re.compile(r"…?([0-9a-f]{6,31})", re.IGNORECASE)


def search(queryset: QuerySet[Execution], text: str) -> QuerySet[Execution]:
    """Those executions of the queryset that match every word of the text."""
    words = text.split()[:MOST_WORDS]
    functions = names.recorded() if words else []
    for word in words:
        queryset = queryset.filter(_matches(word, functions))
    return queryset


def _matches(word: str, functions: list[str]) -> Q:
    execution_id = as_id(word)
    if execution_id:
        return Q(pk=execution_id)
    matching = [name for name in functions if word.casefold() in name.casefold()]
    return Q(function__in=matching) | Q(pk__in=_ids_that_end(word))


def _ids_that_end(word: str) -> list[UUID]:
    end = _END_OF_ID.fullmatch(word.replace("-", ""))
    if end is None:
        return []
    newest = Execution.objects.values_list("pk", flat=True)[:NEWEST]
    return [each for each in newest if each.hex.endswith(end[1].lower())]
