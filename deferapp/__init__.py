"""Background functions and crons for Django, with one line each.

What users import stands here and is loaded when it is first asked for, so that `import deferapp` in `INSTALLED_APPS`
costs nothing, and declaring a function loads no models.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deferapp.executions.current import current_execution as current_execution
    from deferapp.functions.config import RetryPolicy as RetryPolicy
    from deferapp.functions.declare import defer as defer

__version__ = "0.1.0"

_HOMES = {
    "current_execution": "deferapp.executions.current",
    "RetryPolicy": "deferapp.functions.config",
    "defer": "deferapp.functions.declare",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
