"""Results of executions: reading them, and waiting for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deferapp.exceptions import ExecutionFailed, ExecutionResultNotAvailable, ExecutionResultNotAvailableYet
from deferapp.executions.states import ENDED, State
from deferapp.executions.values import decode_result
from deferapp.redact import redact_text

if TYPE_CHECKING:
    from deferapp.models import Execution


def of(execution: Execution) -> Any:
    """The result of an execution as its row says. Raises as `Execution.result` does."""
    if execution.state == State.SUCCEEDED:
        return None if execution.result_json is None else decode_result(execution.result_json)
    if execution.state == State.FAILED:
        raise _failure(execution)
    if execution.state in ENDED:
        raise ExecutionResultNotAvailable(f"{execution} was {execution.state}. {execution.reason}".strip())
    raise ExecutionResultNotAvailableYet(f"{execution} is {execution.state}.")


def _failure(execution: Execution) -> ExecutionFailed:
    """Redacted: it is likely to end in somebody's log."""
    from deferapp.models import Attempt, ledger

    last = Attempt.objects.using(ledger()).filter(execution_id=execution.id).order_by("number").last()
    if last is None:
        return ExecutionFailed(redact_text(execution.reason))
    message = f"{last.error_type}: {last.error_message}" if last.error_type else last.error_message
    return ExecutionFailed(redact_text(message), error_type=last.error_type, traceback=redact_text(last.traceback))
