"""Who looks at a page, on which site: what they may see and do, and where the links lead.

Seen is what the site's own list of applications says that they may view, so that a site of the project's own decides as
it does for its other pages. What one may not see or do is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from deferapp.executions.search import quoted

_ANY: Final = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """A person of staff, on an admin site."""

    site: str
    """The name of the site, by which its addresses are found."""
    user: AbstractUser
    seen: frozenset[str]
    """The names of the models that they may view there, such as "execution"."""

    @classmethod
    def of(cls, user: Any, site: str, app_list: Iterable[Mapping[str, Any]]) -> Self:
        models = (model for app in app_list for model in app["models"] if model["perms"].get("view"))
        return cls(site=site, user=user, seen=frozenset(model["object_name"].lower() for model in models))

    def sees(self, model: str) -> bool:
        return model in self.seen

    def may(self, permission: str) -> bool:
        """Whether they have one of deferapp's permissions, such as "run_execution"."""
        return self.user.has_perm(f"deferapp.{permission}")

    def executions(self, *words: str) -> str | None:
        """The list of the executions that a search finds; each word as in `state:failed`."""
        return self.page("execution_changelist", search=" ".join(words)) if self.sees("execution") else None

    def without_lists(self) -> Viewer:
        """For what no list of executions tells of: the same, without links to one."""
        return replace(self, seen=self.seen - {"execution"})

    def execution(self, id: UUID | None) -> str | None:
        if id is None or self._execution is None or not self.sees("execution"):
            return None
        return self._execution.replace(str(_ANY), str(id))

    @cached_property
    def _execution(self) -> str | None:
        """The address of an execution's page, with another id: there are many, and looking up each would take long."""
        return self.page("execution_change", _ANY)

    def function(self, name: str, **query: str) -> str | None:
        """None also for a name that no address can hold."""
        return self.page("function", name, **query) if self.sees("execution") else None

    def schedule(self, id: int) -> str | None:
        return self.page("schedule_change", id) if self.sees("schedule") else None

    def page(self, name: str, *args: object, search: str = "", **query: str) -> str | None:
        """The address of a page of deferapp; None where the site has none."""
        if (name, args) not in self._known:
            self._known[name, args] = self._looked_up(name, args)
        url = self._known[name, args]
        if url is None:
            return None
        parameters = {**({"q": search} if search else {}), **query}
        return f"{url}?{urlencode(parameters)}" if parameters else url

    @cached_property
    def _known(self) -> dict[tuple[str, tuple[object, ...]], str | None]:
        return {}

    def _looked_up(self, name: str, args: tuple[object, ...]) -> str | None:
        try:
            return reverse(f"admin:deferapp_{name}", args=args, current_app=self.site)
        except NoReverseMatch:
            return None


def word(key: str, value: object) -> str:
    """A word of a search: `fn:"a name"`."""
    return f"{key}:{quoted(str(value))}"
