"""The addresses to which mail providers report, which are there only if they are guarded.

anymail compares a report's login with WEBHOOK_SECRET, and takes every report from everybody when there is none: anyone
could end anyone's opt-in. So without a secret there is no such address.
"""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import resolve
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def report(request: HttpRequest, path: str) -> HttpResponseBase:
    """A provider's report, by anymail's view for `path`, such as `postmark/tracking/`. Programs have no CSRF token."""
    if not settings.ANYMAIL.get("WEBHOOK_SECRET", "").strip():
        raise Http404
    view, args, kwargs = resolve(f"/{path}", urlconf="anymail.urls")
    return view(request, *args, **kwargs)
