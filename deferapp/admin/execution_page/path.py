"""The states that an execution has gone through, in one line; of many attempts that failed, their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from deferapp.admin.display import badge, state_badge
from deferapp.executions.states import State
from deferapp.models import Attempt, Execution

ALL_SHOWN: Final = 2
"""Failed attempts up to which the line names each."""
_AFTER_AN_ATTEMPT: Final = (State.SUCCEEDED, State.FAILED, State.ABORTED)
_RUNS: Final = (State.STARTED, State.ABORTING)


def steps(execution: Execution, attempts: Sequence[Attempt]) -> list[SafeString]:
    """From created to the state of now. `attempts` are those that have ended, or the last of them, in their order."""
    state, is_over = execution.state, bool(attempts) and execution.state in _AFTER_AN_ATTEMPT
    line = [state_badge(State.CREATED), *_earlier(attempts[:-1] if is_over else attempts)]
    if is_over or state in _RUNS:
        line.append(state_badge(State.STARTED))
    return line if state in (State.CREATED, State.STARTED) else [*line, state_badge(state)]


def _earlier(attempts: Sequence[Attempt]) -> list[SafeString]:
    """The way through attempts that others followed."""
    if not attempts:
        return []
    if attempts[-1].number > ALL_SHOWN:
        many = _("%(count)s attempts failed") % {"count": attempts[-1].number}
        return [badge(State.FAILED, "✕", many), state_badge(State.CREATED)]
    return [state_badge(state) for _attempt in attempts for state in (State.STARTED, State.FAILED, State.CREATED)]
