"""The ledger: what deferapp knows, in the project's own database.

Rows are read freely; an execution's state is changed by `deferapp.executions.life` alone.
"""

from deferapp.models.alert import Alert, AlertKind
from deferapp.models.batch import BatchHook
from deferapp.models.execution import Attempt, Execution
from deferapp.models.function import Limit, PausedFunction
from deferapp.models.ledger import ledger
from deferapp.models.schedule import DueMoment, Schedule
from deferapp.models.worker import Housekeeping, Worker

__all__ = [
    "Alert",
    "AlertKind",
    "Attempt",
    "BatchHook",
    "DueMoment",
    "Execution",
    "Housekeeping",
    "Limit",
    "PausedFunction",
    "Schedule",
    "Worker",
    "ledger",
]
