"""The pages that are timed, by what they are called; `{names}` stand for what `page_loads.facts` finds. Add yours."""

from __future__ import annotations

from typing import Final

_EXECUTIONS: Final = "/admin/deferapp/execution/"
_FUNCTION: Final = "/admin/deferapp/execution/function/{function}/"

PAGES: Final[dict[str, str]] = {
    "overview, 1 h": "/admin/deferapp/?range=1h",
    "overview, 24 h": "/admin/deferapp/?range=24h",
    "overview, 7 d": "/admin/deferapp/?range=7d",
    "overview, 30 d": "/admin/deferapp/?range=30d",
    "function, 24 h": f"{_FUNCTION}?range=24h",
    "function, 30 d": f"{_FUNCTION}?range=30d",
    "executions": _EXECUTIONS,
    "executions, failed": f"{_EXECUTIONS}?state=failed",
    "executions, waiting": f"{_EXECUTIONS}?state=created",
    "executions of a function": f"{_EXECUTIONS}?q=fn:{{function}}",
    "executions by pattern, failed": f"{_EXECUTIONS}?q=state:failed+fn:*shop*+since:7d",
    "executions of a pattern that nothing meets": f"{_EXECUTIONS}?q=fn:nothing.*",
    "executions by metadata": f"{_EXECUTIONS}?q=meta.tenant:{{tenant}}",
    "executions by rare metadata": f"{_EXECUTIONS}?q=meta.tenant:nobody",
    "executions by error": f"{_EXECUTIONS}?q=error:{{error}}",
    "executions by a part of a name": f"{_EXECUTIONS}?q=mail",
    "executions of a function, cancelled": f"{_EXECUTIONS}?state=cancelled&function={{function}}",
    "executions, aborted: none": f"{_EXECUTIONS}?state=aborted&q=fn:{{function}}",
    "executions that schedules fired": f"{_EXECUTIONS}?scheduled=yes",
    "executions that were called": f"{_EXECUTIONS}?scheduled=no&state=failed",
    "executions of an old, large batch": f"{_EXECUTIONS}?batch={{old_batch}}",
    "executions of a batch": f"{_EXECUTIONS}?batch={{batch}}",
    "executions by the last error": f"{_EXECUTIONS}?error={{error}}",
    "executions by a rare error": f"{_EXECUTIONS}?q=error:{{rare_error}}",
    "children of a parent": f"{_EXECUTIONS}?q=parent:{{parent}}",
    "execution, failed": f"{_EXECUTIONS}{{failed}}/change/",
    "execution, with children": f"{_EXECUTIONS}{{parent}}/change/",
    "schedules": "/admin/deferapp/schedule/",
    "schedule": "/admin/deferapp/schedule/{schedule}/change/",
    "alerts": "/admin/deferapp/alert/",
    "workers": "/admin/deferapp/worker/",
}
