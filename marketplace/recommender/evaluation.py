"""Measures the recommender on the last weeks, which it is not shown.

For each customer who bought something new in these weeks: which share of the ten recommended products is among what
was bought then and never before? Where less than ten new products were bought, the share is of as many as these.
"Most popular" is measured in the same way: the ten products with the most customers that this one had not bought.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.recommender.history import History, Pairs
from marketplace.recommender.training import train

HELD_BACK_DAYS: Final = 28
COUNT: Final = 10

Bought = Mapping[int, int]
Recommend = Callable[[Bought], list[int]]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How often recommendations came true, as shares from 0 to 1."""

    customers: int
    """How many bought something new in the weeks held back."""
    recall_at_10: float
    recall_at_10_popular: float
    """Of the products with the most customers ever."""
    recall_at_10_popular_lately: float
    """Of the products with the most customers in the four weeks before those held back."""


def evaluate(history: History) -> Evaluation:
    """Train on all but the last weeks and measure on these. Raises `ValueError` when there is too little history."""
    cut = history.last_day - np.timedelta64(HELD_BACK_DAYS, "D")
    past = history.until(cut)
    before, later = _by_customer(past.pairs()), _by_customer(history.after(cut).pairs())
    new = {customer: set(later[customer]) - set(before[customer]) for customer in before.keys() & later.keys()}
    new = {customer: products for customer, products in sorted(new.items()) if products}
    if not new:
        raise ValueError("Nobody bought anything new in the last four weeks")
    lately = past.after(cut - np.timedelta64(HELD_BACK_DAYS, "D"))
    ways = (train(past).recommend, _most_popular(past), _most_popular(lately))
    model, popular, popular_lately = (_recall(way, before, new) for way in ways)
    return Evaluation(
        customers=len(new),
        recall_at_10=model,
        recall_at_10_popular=popular,
        recall_at_10_popular_lately=popular_lately,
    )


def _recall(recommend: Recommend, before: Mapping[int, Bought], new: Mapping[int, set[int]]) -> float:
    shares = [
        len(products.intersection(recommend(before[customer]))) / min(COUNT, len(products))
        for customer, products in new.items()
    ]
    return round(float(np.mean(shares)), 4)


def _most_popular(history: History) -> Recommend:
    products, customers = np.unique(history.pairs().product, return_counts=True)
    for_sale = np.isin(products, history.shelf.product)
    ranking = [int(product) for product in products[for_sale][np.argsort(-customers[for_sale], kind="stable")]]

    def recommend(bought: Bought) -> list[int]:
        new = (product for product in ranking if product not in bought)
        return [product for product, _ in zip(new, range(COUNT), strict=False)]

    return recommend


def _by_customer(pairs: Pairs) -> dict[int, Bought]:
    customers, begins = np.unique(pairs.customer, return_index=True)
    products = np.split(pairs.product, begins[1:])
    times = np.split(pairs.times, begins[1:])
    return {
        int(customer): dict(zip(products[at].tolist(), times[at].tolist(), strict=True))
        for at, customer in enumerate(customers)
    }
