"""One customer's recommendations for somebody who is looking at a page: computed and given back, and not mailed."""

from __future__ import annotations

from deferapp import defer
from marketplace.models import Customer, Product
from marketplace.recommender import NotTrained
from marketplace.recommender.recommend import recommend

RETRY = {"max_attempts": 2, "initial_interval": 1.0}
"""Somebody is waiting."""


@defer(retry=RETRY, give_up_on=NotTrained, max_duration="30s")
def recommend_now(customer: Customer) -> dict[str, object]:
    return {"customer": str(customer), "products": [_told(product) for product in recommend(customer)]}


def _told(product: Product) -> dict[str, object]:
    return {
        "name": str(product),
        "category": product.category,
        "size": product.size,
        "is_store_brand": product.is_store_brand,
        "price": product.price,
    }
