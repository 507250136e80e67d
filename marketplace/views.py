"""The page about the sample, and the one that ends a customer's weekly mails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.mails.unsubscribe import customer_of
from marketplace.models import Customer, Product, WeeklyMail
from marketplace.recommender import NotTrained
from marketplace.weeks import iso_week

if TYPE_CHECKING:
    from marketplace.recommender.evaluation import Evaluation


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    week = iso_week(timezone.now())
    figures = {
        "Customers": Customer.objects.count(),
        "Products": Product.objects.count(),
        "Opted in": Customer.objects.filter(weekly_product_recommendations=True).count(),
        "Mails this week": WeeklyMail.objects.filter(week=week, sent_at__isnull=False).count(),
    }
    return render(request, "marketplace/home.html", {"figures": figures, "week": week, "evaluation": _evaluation()})


@never_cache
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks and changes nothing, because programs that look for malware follow links; POST does it.

    A POST needs no log-in and no CSRF token: mail programs send it (RFC 8058), and the signed link is proof enough.
    """
    customer = customer_of(token)
    if customer is None:
        return render(request, "marketplace/unsubscribe_unknown.html", status=404)
    if request.method == "POST":
        customer.end_opt_in("unsubscribed by the link in a mail")
        customer.refresh_from_db()
    return render(request, "marketplace/unsubscribe.html", {"customer": customer})


def _evaluation() -> Evaluation | None:
    from marketplace.recommender.storage import load

    try:
        return load().evaluation
    except NotTrained:
        return None
