"""A page for load balancers and monitors, for whoever wants one:

    from deferapp.health.views import health

    path("health/", health),

| asked | 200 if |
|---|---|
| `/health/` | requests can be served: the database answers |
| `/health/?all` | everything works: database, broker, a worker, and beat |
| `/health/?live` | this process answers; nothing is looked at |

Otherwise 503. The broker and the workers are no reason to take web servers away: enqueueing goes on without them, and
all servers would go at once. Nobody has to log in, since nothing but states is told.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deferapp.health import states

OK: Final = "ok"
NOT_OK: Final = "not ok"


@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 or 503, and the states as JSON: `{"status": "ok", "database": "ok", "broker": "not ok", …}`."""
    if "live" in request.GET:
        return JsonResponse({"status": OK})
    found = asdict(states.current())
    is_well = all(found.values()) if "all" in request.GET else found["database"]
    told = {name: OK if works else NOT_OK for name, works in found.items()}
    return JsonResponse({"status": OK if is_well else NOT_OK, **told}, status=200 if is_well else 503)
