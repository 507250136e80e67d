"""Workers: which processes are alive, by the database's clock, and what they hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from deferapp import conf
from deferapp.admin.display import NOTHING, ago, badge, moment, visible
from deferapp.admin.readonly import ReadOnlyAdmin
from deferapp.executions.states import State
from deferapp.fields import DatabaseNow
from deferapp.models import Execution, Housekeeping, Worker

EXECUTIONS_SHOWN: Final = 20
"""Executions on a worker's page."""
_HELD: Final = (State.STARTED, State.ABORTING)


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin[Worker]):
    change_form_template = "deferapp/admin/worker.html"
    list_display = ("node_", "process_", "pool_", "state_", "heartbeat", "running", "keeps_house")
    list_display_links = ("node_",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        # From the state's index: there is none by worker.
        held = Execution.objects.filter(state__in=_HELD, worker=OuterRef("pk")).order_by().values("worker")
        keeps_house = Housekeeping.objects.filter(worker=OuterRef("pk"), lease_until__gte=DatabaseNow())
        return (
            super()
            .get_queryset(request)
            .annotate(
                database_now=DatabaseNow(),
                held=Coalesce(
                    Subquery(held.annotate(count=Count("pk")).values("count")), 0, output_field=IntegerField()
                ),
                is_housekeeper=Exists(keeps_house),
            )
        )

    def get_fieldsets(self, request: HttpRequest, obj: Worker | None = None) -> Any:
        here = ("node_", "host_", "process_", "supervisor_", "pool_")
        return [(None, {"fields": (*here, "started", "state_", "heartbeat", "running", "keeps_house")})]

    def page_context(self, request: HttpRequest, obj: Worker) -> dict[str, Any]:
        is_link = self.sees_executions(request)
        held = Execution.objects.filter(state__in=_HELD, worker=obj).only("id", "function", "started_at")
        return {
            "executions": [
                {
                    "link": self.execution_link(each.pk, is_link=is_link),
                    "function": visible(each.function),
                    "started": moment(each.started_at),
                }
                for each in held.order_by("created_at")[:EXECUTIONS_SHOWN]
            ]
        }

    @admin.display(description=_("node"))
    def node_(self, worker: Worker) -> str:
        return visible(worker.node)

    @admin.display(description=_("host"))
    def host_(self, worker: Worker) -> str:
        return visible(worker.host.partition("/")[0])

    @admin.display(description=_("process"))
    def process_(self, worker: Worker) -> str:
        return visible(worker.process.partition(":")[0])

    @admin.display(description=_("started by process"))
    def supervisor_(self, worker: Worker) -> str:
        return NOTHING if worker.supervisor == worker.process else visible(worker.supervisor.partition(":")[0])

    @admin.display(description=_("pool"))
    def pool_(self, worker: Worker) -> str:
        return visible(worker.pool) or NOTHING

    @admin.display(description=_("started"))
    def started(self, worker: Worker) -> SafeString | str:
        return moment(worker.started_at, with_zone=True)

    @admin.display(description=_("state"))
    def state_(self, worker: Any) -> SafeString:
        silence = worker.database_now - worker.heartbeat_at
        if silence > timedelta(seconds=conf.current().HEARTBEAT_LIMIT):
            return badge("failed", "○", gettext("silent"))
        return badge("succeeded", "●", gettext("alive"))

    @admin.display(description=_("last heartbeat"))
    def heartbeat(self, worker: Any) -> str:
        return ago(worker.database_now - worker.heartbeat_at)

    @admin.display(description=_("executions"))
    def running(self, worker: Any) -> int:
        return int(worker.held)

    @admin.display(description=_("keeps house"), boolean=False)
    def keeps_house(self, worker: Any) -> str:
        return "✓ " + gettext("yes") if worker.is_housekeeper else NOTHING
