"""What the rest of the marketplace calls."""

from __future__ import annotations

from typing import Final

from django.db.models import Count

from marketplace.models import Customer, Product, Purchase

COUNT: Final = 10


def recommend(customer: Customer) -> list[Product]:
    """Ten products that the customer has not bought yet, the best first; fewer if there are not so many.

    About a millisecond of computing after one query for the purchases. Raises `NotTrained`.
    """
    from marketplace.recommender.storage import load

    bought = Purchase.objects.filter(customer=customer).values_list("product_id").annotate(times=Count("id"))
    numbers = load().model.recommend(dict(bought), COUNT)
    products = Product.objects.in_bulk(numbers)
    return [products[number] for number in numbers if number in products]
