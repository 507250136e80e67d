"""A small shop and a recommender trained on it. Run as `python -m tests.browser.seed` in the marketplace's project."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import django

django.setup()

from marketplace.models import Customer, Product, Purchase  # noqa: E402
from marketplace.recommender.evaluation import Evaluation  # noqa: E402
from marketplace.recommender.history import read_history  # noqa: E402
from marketplace.recommender.storage import Trained, save  # noqa: E402
from marketplace.recommender.training import train  # noqa: E402

CUSTOMERS = 12
NAMES = ["Apples", "Bread", "Butter", "Cheese", "Coffee", "Eggs", "Flour", "Grapes", "Honey", "Jam", "Milk", "Noodles"]
LONG = "EXTRAORDINARILY-LONG-NAME-OF-A-PRODUCT-WITHOUT-A-SINGLE-BLANK"
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


def make_products() -> list[Product]:
    names = [*NAMES, *(f"{name}, organic" for name in NAMES), LONG]
    return Product.objects.bulk_create(
        Product(
            number=number,
            name=name,
            category="Fruit & staples",
            size="16 OZ" if number % 3 else "",
            is_store_brand=number % 4 == 0,
            price=Decimal(number) / 4 if number % 5 else None,
        )
        for number, name in enumerate(names, 1)
    )


def make_purchases(customers: list[Customer], products: list[Product]) -> None:
    """Everybody buys every third product, from another one on; nobody all that another does."""
    Purchase.objects.bulk_create(
        Purchase(
            customer=customer,
            product=product,
            quantity=1,
            amount=1,
            purchased_at=BEGIN + timedelta(days=(customer.household + product.number) % 60),
        )
        for customer in customers
        for product in products
        if (customer.household * 5 + product.number) % 3 == 0
    )


def main() -> None:
    customers = Customer.objects.bulk_create(
        Customer(household=number, email=f"{number}@example.com", weekly_product_recommendations=number > 1)
        for number in range(1, CUSTOMERS + 1)
    )
    make_purchases(customers, make_products())
    nothing = Evaluation(customers=0, recall_at_10=0, recall_at_10_popular=0, recall_at_10_popular_lately=0)
    save(Trained(model=train(read_history()), evaluation=nothing))


if __name__ == "__main__":
    main()
