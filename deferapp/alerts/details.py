"""What a message about failures needs besides the alert: read once when a message is made, redacted, and kept with it.

Kept, because executions may be gone when a message is sent at last, and because nobody should find in the table of
alerts what no page would show.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from deferapp.functions import registry
from deferapp.models import Alert, AlertKind, Attempt, Execution, ObservedFailure, Schedule, ledger
from deferapp.observe.names import is_observed
from deferapp.redact import redact, redact_reference, redact_text
from deferapp.visible import visible

LONGEST_LINE: Final = 500
LONGEST_TRACE: Final = 1_500
"""Characters of a traceback that are kept, the last ones."""
LONGEST_ARGUMENT: Final = 100


def gathered(alert: Alert) -> dict[str, Any]:
    """The alert's details with what is known by now. By up to four queries, all by keys."""
    if alert.kind != AlertKind.FAILURES:
        return dict(alert.details)
    named: Sequence[dict[str, Any]] = alert.details.get("named", [])
    executions = _executions([each["execution"] for each in named])
    known = [executions[UUID(each["execution"])] for each in named if UUID(each["execution"]) in executions]
    shown = [{**each, **_argument(executions.get(UUID(each["execution"])))} for each in named]
    parent = _parent(known) if len(known) == len(named) else alert.details.get("parent", {})
    return {
        **alert.details,
        "named": shown,
        "parent": parent,
        "schedule": _schedule([alert.details.get("function", ""), parent.get("function", "")]),
        **({} if "trace" in alert.details else _first_failure(alert.details, named)),
    }


def _executions(ids: Sequence[str]) -> dict[UUID, Execution]:
    rows = Execution.objects.using(ledger()).only("id", "function", "parent_id", "arguments_json")
    return rows.in_bulk([UUID(each) for each in ids])


def _parent(known: Sequence[Execution]) -> dict[str, str]:
    """The execution that enqueued them all, if it is one."""
    ids = {execution.parent_id for execution in known}
    parent_id = ids.pop() if len(ids) == 1 else None
    if parent_id is None:
        return {}
    parent = Execution.objects.using(ledger()).filter(id=parent_id).only("id", "function").first()
    return {"execution": str(parent.id), "function": parent.function} if parent else {}


def _schedule(functions: Sequence[str]) -> str:
    rows = Schedule.objects.using(ledger()).filter(function__in=[each for each in functions if each])
    return rows.values_list("frequency", flat=True).first() or ""


def _first_failure(details: Mapping[str, Any], named: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What failed first: how long it took, and where the error is."""
    attempt: Attempt | ObservedFailure | None = None
    if named:
        rows = Attempt.objects.using(ledger()).filter(execution_id=named[0]["execution"], number=named[0]["attempt"])
        attempt = rows.first()
    elif is_observed(function := details.get("function", "")):
        observed = ObservedFailure.objects.using(ledger()).filter(function=function, error_key=details["error_key"])
        attempt = observed.order_by("-id").first()  # Of those that are kept the latest.
    if attempt is None:
        return {}
    first_line = attempt.error_message.strip().partition("\n")[0]
    return {
        "error": _clean(f"{attempt.error_type}: {first_line}" if attempt.error_type else first_line)[:LONGEST_LINE],
        "trace": _frames(attempt.traceback),
        "attempt": attempt.number,
        **({"seconds": (attempt.ended_at - attempt.started_at).total_seconds()} if attempt.started_at else {}),
        "code": attempt.error_code,
    }


def _frames(traceback: str) -> str:
    """The last ones. Redacted before they are cut, since a cut may part a key from its value."""
    text = _clean(traceback).rstrip()
    if len(text) <= LONGEST_TRACE:
        return text
    end = text[-LONGEST_TRACE:]
    first_frame = end.find('\n  File "')
    return f"…{end[first_frame:]}" if first_frame >= 0 else f"…{end[1:]}"


def _argument(execution: Execution | None) -> dict[str, str]:
    """The first argument, if the function wants alerts to show it."""
    function = registry.get(execution.function) if execution else None
    if execution is None or function is None or not function.config.alert_arguments:
        return {}
    name, value = _first(execution.arguments_json, next(iter(function.signature.parameters), ""))
    return {} if value is None else {"argument": visible(_shown(name, value))[:LONGEST_ARGUMENT]}


def _first(text: str, parameter: str) -> tuple[str, Any]:
    """The first parameter's name and its value, by position or by name."""
    try:
        call = json.loads(text)
        args, kwargs = call.get("args", []), call.get("kwargs", {})
        return (parameter, args[0]) if args else (parameter, kwargs[parameter])
    except (ValueError, AttributeError, KeyError, IndexError, TypeError, RecursionError):
        return "", None


def _shown(name: str, value: Any) -> str:
    """As a person reads it: `shop.Customer 7` for a model instance, a text as it is, anything else as JSON."""
    if isinstance(value, dict) and value.keys() == {"$model"}:
        label, _database, pk = value["$model"]
        return redact_reference(label, pk)
    shown = redact({name: value})[name]
    return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)


def _clean(text: str) -> str:
    return visible(redact_text(text))
