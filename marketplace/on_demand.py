"""The page "Recommend something to me now", and the background function behind it as a URL."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deferapp.views import FunctionView
from marketplace.defer.recommend_now import recommend_now
from marketplace.models import Customer

OFFERED: Final = 8
"""How many customers the page offers to be. The sample's customers do not log in."""


class RecommendNow(FunctionView):
    """POST `{"household": 7}` enqueues, GET tells. After five minutes without a worker nobody looks at the page."""

    function = recommend_now.options(discard_after="5m")

    def has_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Everybody may: the households are numbers. A shop would ask whether the customer is the one logged in."""
        return True

    def arguments(self, request: HttpRequest) -> tuple[list[Any], dict[str, Any]]:
        """The customer instead of the number, if they opted in. A row travels as a reference to it."""
        household = super().arguments(request)[1].get("household")
        customer = _opted_in().filter(household=household).first() if type(household) is int else None
        if customer is None:
            raise ValueError("Nobody with this number has opted in.")
        return [customer], {}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "marketplace/recommend.html", {"customers": _opted_in()[:OFFERED]})


def _opted_in() -> QuerySet[Customer]:
    return Customer.objects.filter(weekly_product_recommendations=True)
