"""What staff see of the ledger in Django admin, and what they may do there; beat's own admin is guarded besides.

What one may not do is absent, and checked on the server. Values are redacted by key for everybody.
"""

from django.contrib import admin

from deferapp.admin.alerts import AlertAdmin
from deferapp.admin.beat import guard
from deferapp.admin.executions import ExecutionAdmin
from deferapp.admin.schedules import ScheduleAdmin
from deferapp.admin.workers import WorkerAdmin

__all__ = ["AlertAdmin", "ExecutionAdmin", "ScheduleAdmin", "WorkerAdmin"]

guard(admin.site)
