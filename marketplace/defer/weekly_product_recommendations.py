"""Every Monday at 08:00 UTC: a mail to each customer who opted in."""

from __future__ import annotations

from deferapp import defer
from marketplace.defer.compute_product_recommendation import compute_product_recommendation
from marketplace.models import Customer


@defer.cron("0 8 * * 1")
async def weekly_product_recommendations() -> None:
    async for customer in Customer.objects.filter(weekly_product_recommendations=True):
        await compute_product_recommendation(customer)
