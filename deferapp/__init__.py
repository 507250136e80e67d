"""Background functions and crons for Django, with one line each.

What users import stands here and is loaded when it is first asked for, so that `import deferapp` in `INSTALLED_APPS`
costs nothing, and declaring a function loads no models.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deferapp.executions.current import current_execution as current_execution
    from deferapp.executions.endings.errors.wishes import GiveUp as GiveUp
    from deferapp.executions.endings.errors.wishes import Retry as Retry
    from deferapp.functions.config import RetryPolicy as RetryPolicy
    from deferapp.functions.declare import defer as defer
    from deferapp.functions.function import assign_options as assign_options
    from deferapp.functions.function import await_result as await_result

__version__ = "0.1.0"

_HOMES = {
    "assign_options": "deferapp.functions.function",
    "await_result": "deferapp.functions.function",
    "current_execution": "deferapp.executions.current",
    "GiveUp": "deferapp.executions.endings.errors.wishes",
    "Retry": "deferapp.executions.endings.errors.wishes",
    "RetryPolicy": "deferapp.functions.config",
    "defer": "deferapp.functions.declare",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
