"""The list by cursor: newer and older, and never a number of pages, for which all rows would have to be counted."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.functional import cached_property

from deferapp.admin.display import number
from deferapp.admin.paginator import COUNT_LIMIT
from deferapp.exceptions import CursorError
from deferapp.executions.selection import FILTERS, SEARCH
from deferapp.executions.states import State
from deferapp.models.pages import Page

_ANY: Final = UUID(int=0)
AFTER: Final = "after"
BEFORE: Final = "before"
FEW: Final = 1_000
_LOOKED_AT: Final = re.compile(r"(?:^|\s)(?:meta\.|error:)", re.IGNORECASE)
"""Words of a search."""


class CursorChangeList(ChangeList):
    """Django's list, whose pages are told by the place of an execution: `?after=<cursor>` or `?before=<cursor>`."""

    page: Page
    model_admin: Any

    def get_results(self, request: HttpRequest) -> None:
        size = self.list_per_page
        after, before = (self.params.get(name) for name in (AFTER, BEFORE))
        try:
            span: dict[str, Any] = {"last": size, "before": before} if before else {"first": size, "after": after}
            self.page = self.queryset.page(**span)
        except CursorError as error:
            raise IncorrectLookupParameters from error
        self.result_list = self.page.items
        self.result_count = self._counted()
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = bool(self.page.items)
        self.retry_url = self._retry_url(request)
        self.can_show_all = self.multi_page = False
        self.paginator = None

    def url_for_result(self, result: Any) -> str:
        """Looked up once, and not for each row."""
        return self._page_url.replace(str(_ANY), str(result.pk))

    @cached_property
    def _page_url(self) -> str:
        return str(self.model_admin.page_url(_ANY))

    def _retry_url(self, request: HttpRequest) -> str | None:
        """The page that asks whether to retry all that are listed, where those have failed."""
        are_failed = self.filters.get("state") == State.FAILED or "error" in self.filters
        if not (self.result_count and are_failed and self.model_admin.may(request, "retry")):
            return None
        return str(self.model_admin.bulk_url("retry", self.filters))

    def _counted(self) -> int:
        """How many match, up to one more than `count_limit`; a single page needs no further query."""
        if not (self.page.has_next or self.page.has_previous):
            return len(self.page.items)
        # In the order of an index, one that is entered by a single filter has to be read no further than counted.
        order = ["created_at"] if self.filters.keys() < {"state", "function"} else []
        return int(self.queryset.order_by(*order).values("created_at")[: self.count_limit + 1].count())

    @property
    def count_limit(self) -> int:
        """Fewer where each has to be looked at, since no index knows all that is asked for."""
        return FEW if self.filters.keys() & {"error", "scheduled"} or _LOOKED_AT.search(self.query) else COUNT_LIMIT

    @cached_property
    def count_text(self) -> str:
        limit = self.count_limit
        return f"{number(limit)}+" if self.result_count > limit else number(self.result_count)

    @property
    def filters(self) -> dict[str, str]:
        """The parameters that say which executions the list shows."""
        return {name: value for name in (SEARCH, *FILTERS) if (value := self.params.get(name))}

    @property
    def newer_url(self) -> str | None:
        return self.get_query_string({BEFORE: self.page.start_cursor}) if self.page.has_previous else None

    @property
    def older_url(self) -> str | None:
        return self.get_query_string({AFTER: self.page.end_cursor}) if self.page.has_next else None

    @property
    def newest_url(self) -> str | None:
        return self.get_query_string() if self.page.has_previous else None

    def get_filters_params(self, params: Any = None) -> Any:
        return _without_cursor(super().get_filters_params(params))

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """Without the cursor, unless it is a new one: a filter begins at the top."""
        return super().get_query_string({AFTER: None, BEFORE: None, **(new_params or {})}, remove)


def _without_cursor(params: Any) -> Any:
    return {name: value for name, value in params.items() if name not in (AFTER, BEFORE)}
