"""What the template of the overview reads its page with: Django renders it for every admin site, by no view of ours."""

from __future__ import annotations

from typing import Any

from django import template

from deferapp.clock import now
from deferapp.dashboard.overview import overview
from deferapp.dashboard.viewer import Viewer

register = template.Library()


@register.simple_tag(takes_context=True)
def deferapp_overview(context: template.Context) -> dict[str, Any]:
    """The overview for who asks for it, on the admin site that shows it."""
    request = context["request"]
    site = getattr(request, "current_app", None) or "admin"
    viewer = Viewer.of(request.user, site, context["app_list"])
    return overview(viewer, request.GET.dict(), now())
