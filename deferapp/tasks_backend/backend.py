"""The backend: a task is declared as a function when it is made, and enqueued as an execution.

Importing this loads no models, since tasks are declared while Django loads its apps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from deferapp.functions.config import Config
from deferapp.tasks_backend import tell
from deferapp.tasks_backend.function import TaskFunction, declare
from deferapp.tasks_backend.library import (
    AnyResult,
    AnyTask,
    BaseTaskBackend,
    TaskResultDoesNotExist,
    normalize_json,
)
from deferapp.tasks_backend.options import metadata_of


class DeferBackend(BaseTaskBackend):
    """`OPTIONS` are the keywords of `defer()`: `retry`, `concurrency`, `max_duration` and so on, for all its tasks.

    Raises `DeclarationError` for one that cannot be, and `TypeError` for one that there is not.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self._config = Config(**self.options)
        tell.connect()

    def validate_task(self, task: AnyTask) -> None:
        """As Django's; a task that can be run is known to workers from then on."""
        super().validate_task(task)
        self._declared(task)

    def enqueue(  # type: ignore[override]  # Typed for all tasks together, where the stubs have each.
        self, task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> AnyResult:
        """Enqueue an execution. Raises `TypeError` for what is no JSON, or does not fit the task's signature.

        Inside a transaction the execution is part of it, and `task_enqueued` is sent when it commits.
        """
        from deferapp.models import ledger
        from deferapp.tasks_backend import results

        self.validate_task(task)
        function = self._declared(task).options(delay=task.run_after, metadata=metadata_of(task))
        execution = function.enqueue(
            *map(normalize_json, args), **{name: normalize_json(kwargs[name]) for name in kwargs}
        )
        result = results.of(execution, task)
        send = partial(tell.enqueued, type(self), result)
        transaction.on_commit(send, using=ledger(), robust=True)
        return result

    def get_result(self, result_id: str) -> AnyResult:
        """The result as the ledger has it now. Raises `TaskResultDoesNotExist`."""
        from deferapp.executions import current
        from deferapp.models import Execution, ledger
        from deferapp.tasks_backend import results

        current.write_collected()
        try:
            execution = Execution.objects.using(ledger()).filter(id=UUID(str(result_id))).first()
        except ValueError:
            execution = None
        task = None if execution is None else results.task_of(execution)
        if execution is None or task is None:
            raise TaskResultDoesNotExist(result_id)
        return results.of(execution, task)

    def _declared(self, task: AnyTask) -> TaskFunction:
        return declare(task, self._config)
