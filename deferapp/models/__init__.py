"""The ledger: what deferapp knows, in the project's own database.

Rows are read freely; an execution's state is changed by `deferapp.executions.life` alone.
"""

from deferapp.models.alert import Alert, AlertKind, Delivery, DeliveryKind
from deferapp.models.batch import BatchHook
from deferapp.models.bulk import BulkAction, BulkChange
from deferapp.models.execution import Attempt, AttemptLog, Execution
from deferapp.models.function import Limit, PausedFunction
from deferapp.models.ledger import ledger
from deferapp.models.note import EndNote
from deferapp.models.observed import ObservedFailure
from deferapp.models.schedule import DeclaredSet, DueMoment, Schedule
from deferapp.models.tally import DeployMark, ErrorGroup, Fold, Span, Tally, TallyEntry, TallyOutcome
from deferapp.models.worker import Housekeeping, Worker

__all__ = [
    "Alert",
    "AlertKind",
    "Attempt",
    "AttemptLog",
    "BatchHook",
    "BulkAction",
    "BulkChange",
    "DeclaredSet",
    "Delivery",
    "DeliveryKind",
    "DeployMark",
    "DueMoment",
    "EndNote",
    "ErrorGroup",
    "Execution",
    "Fold",
    "Housekeeping",
    "Limit",
    "ObservedFailure",
    "PausedFunction",
    "Schedule",
    "Span",
    "Tally",
    "TallyEntry",
    "TallyOutcome",
    "Worker",
    "ledger",
]
