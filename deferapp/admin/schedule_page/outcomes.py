"""What became of due moments: the words, signs and colours of it, one by one, as a strip, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deferapp.admin.display import STATE_SIGNS, badge
from deferapp.executions.states import State
from deferapp.fields import DayOf
from deferapp.models import DueMoment, Execution, Schedule
from deferapp.schedules.plan import ON_TIME

MISSED: Final = "missed"
LATE: Final = "late"
REMOVED: Final = "removed"

SIGNS: Final[dict[str, str]] = {**STATE_SIGNS, MISSED: "–", LATE: "◷", REMOVED: "?"}
WORDS: Final[dict[str, str | Promise]] = {
    MISSED: gettext_lazy("missed"),
    LATE: gettext_lazy("succeeded, late"),
    REMOVED: gettext_lazy("fired; its execution has been removed"),
}
WORST_FIRST: Final = (
    State.FAILED,
    State.ABORTED,
    MISSED,
    State.DISCARDED,
    State.CANCELLED,
    LATE,
    State.ABORTING,
    State.STARTED,
    State.CREATED,
    State.SUCCEEDED,
    REMOVED,
)
STRIP_SHOWN: Final = 12
"""Outcomes in a strip."""
READ_AT_ONCE: Final = 1_000
"""Executions whose states one query reads."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A due moment that has been decided, as far as its outcome goes."""

    due_at: datetime
    decided_at: datetime
    execution_id: UUID | None
    state: str | None
    """Of its execution, also if that is kept no longer; None if there is none, or somebody has deleted it."""

    @property
    def outcome(self) -> str:
        """`MISSED`, `LATE`, `REMOVED`, or the state of its execution."""
        is_late = self.decided_at - self.due_at > ON_TIME
        return _outcome(self.execution_id is not None, self.state, is_late=is_late)


def read(due_moments: QuerySet[DueMoment]) -> list[tuple[int, Decided]]:
    """Due moments that have been decided, each after the key of its schedule, in the order of the query.

    The states are read by the ids of the executions: of a join, the database may make a scan of all of them.
    """
    rows = list(due_moments.values_list("schedule_id", "due_at", "decided_at", "execution_id", "ended_as"))
    states = _states([id for *_, id, _ended_as in rows if id is not None])
    return [
        (pk, Decided(due_at=due_at, decided_at=decided_at, execution_id=id, state=states.get(id) or ended_as or None))
        for pk, due_at, decided_at, id, ended_as in rows
    ]


def by_day(due_moments: QuerySet[DueMoment]) -> dict[date, Counter[str]]:
    """How many had which outcome, by their day in UTC. One query, which looks for each execution by its id."""
    state = Subquery(Execution.objects.filter(pk=OuterRef("execution_id")).values("state")[:1])
    is_late = Case(When(decided_at__gt=F("due_at") + ON_TIME, then=Value(1)), default=Value(0))
    is_fired = Case(When(execution_id__isnull=False, then=Value(1)), default=Value(0))
    asked = due_moments.order_by().annotate(day=DayOf("due_at"), is_fired=is_fired, is_late=is_late, state=state)
    columns = ("day", "is_fired", "is_late", "state", "ended_as")
    found: dict[date, Counter[str]] = {}
    for day, is_fired, is_late, state, ended_as, count in asked.values_list(*columns).annotate(count=Count("pk")):
        outcome = _outcome(bool(is_fired), state or ended_as or None, is_late=bool(is_late))
        found.setdefault(day, Counter())[outcome] += count
    return found


def _outcome(is_fired: bool, state: str | None, *, is_late: bool) -> str:
    if not is_fired:
        return MISSED
    if state is None:
        return REMOVED
    return LATE if is_late and state == State.SUCCEEDED else state


def _states(ids: Sequence[UUID]) -> dict[UUID, str]:
    found: dict[UUID, str] = {}
    for start in range(0, len(ids), READ_AT_ONCE):
        some = Execution.objects.filter(pk__in=ids[start : start + READ_AT_ONCE]).order_by()
        found.update(some.values_list("pk", "state"))
    return found


def word(outcome: str) -> str:
    return str(WORDS.get(outcome) or (State(outcome).label if outcome in State.values else outcome))


def kind(outcome: str) -> str:
    """The class of the style sheet."""
    return outcome if outcome in SIGNS else "unknown"


def shown(outcome: str) -> SafeString:
    return badge(kind(outcome), SIGNS.get(outcome, "?"), word(outcome))


def worst(counts: Iterable[str]) -> str:
    return min(counts, key=lambda each: WORST_FIRST.index(each) if each in WORST_FIRST else -1)


def in_words(counts: Mapping[str, int]) -> str:
    """As in "22 succeeded and 1 missed"."""
    ordered = [each for each in WORST_FIRST if each in counts]
    parts = [_("%(count)s %(outcome)s") % {"count": counts[each], "outcome": word(each)} for each in reversed(ordered)]
    return get_text_list(parts, _("and"))


def strips(schedules: Sequence[Schedule]) -> dict[int, SafeString]:
    """The last outcomes of each of the schedules, the latest at the end; two queries for all of them."""
    wanted = Q(pk__in=())
    for pk, begin in _begins(schedules):
        wanted |= Q(schedule_id=pk) if begin is None else Q(schedule_id=pk, due_at__gte=begin)
    of: dict[int, list[Decided]] = {}
    for pk, row in read(DueMoment.objects.filter(wanted).order_by("due_at")):
        of.setdefault(pk, []).append(row)
    return {pk: _strip(rows) for pk, rows in of.items()}


def _begins(schedules: Sequence[Schedule]) -> Iterable[tuple[int, datetime | None]]:
    """The first due moment in each strip; None where there are no more than fit into it. Each is found by an index."""
    moments = DueMoment.objects.filter(schedule=OuterRef("pk")).order_by("-due_at").values("due_at")
    begin = Subquery(moments[STRIP_SHOWN - 1 : STRIP_SHOWN])
    rows = Schedule.objects.filter(pk__in=[schedule.pk for schedule in schedules])
    return rows.order_by().annotate(begin=begin).values_list("pk", "begin")


def _strip(rows: Sequence[Decided]) -> SafeString:
    last = rows[-STRIP_SHOWN:]
    return format_html(
        '<span class="deferapp-strip" role="img" aria-label="{}">{}</span>',
        _("the last: %(outcomes)s") % {"outcomes": in_words(Counter(each.outcome for each in last))},
        format_html_join("", '<span class="deferapp-{}" title="{}">{}</span>', map(_dot, last)),
    )


def _dot(row: Decided) -> tuple[str, str, str]:
    outcome = row.outcome
    return kind(outcome), f"{row.due_at:%Y-%m-%d %H:%M} UTC: {word(outcome)}", SIGNS.get(outcome, "?")
