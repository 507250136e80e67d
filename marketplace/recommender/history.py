"""Who bought what on which day, as arrays: all purchases in 60 MB of memory and a few seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from django.db.models import CharField
from django.db.models.functions import Cast, Left
from numpy.typing import NDArray

from marketplace.models import Product, Purchase


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Each customer and product that met, once."""

    customer: NDArray[np.int64]
    product: NDArray[np.int64]
    times: NDArray[np.int64]
    """Lines of receipts."""
    last: NDArray[np.datetime64]
    """Day of the last of them."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The products that may be recommended, in ascending order of their numbers."""

    product: NDArray[np.int64]
    look: NDArray[np.int64]
    """Equal for products that read alike in a mail."""


@dataclass(frozen=True, kw_only=True)
class History:
    """Lines of receipts, in any order."""

    customer: NDArray[np.int64]
    product: NDArray[np.int64]
    day: NDArray[np.datetime64]
    shelf: Shelf

    def until(self, day: np.datetime64) -> Self:
        """What was bought up to that day, which is included."""
        return self._where(self.day <= day)

    def after(self, day: np.datetime64) -> Self:
        """What was bought after that day."""
        return self._where(self.day > day)

    @property
    def last_day(self) -> np.datetime64:
        """Raises `ValueError` when nothing was bought at all."""
        return self.day.max()

    def pairs(self) -> Pairs:
        """Sorted by customer, then product."""
        order = np.lexsort((self.day, self.product, self.customer))
        customer, product, day = self.customer[order], self.product[order], self.day[order]
        is_first = np.ones(len(customer), dtype=bool)
        is_first[1:] = (np.diff(customer) != 0) | (np.diff(product) != 0)
        begins = np.flatnonzero(is_first)
        ends = np.append(begins, len(customer))[1:]
        return Pairs(customer=customer[begins], product=product[begins], times=ends - begins, last=day[ends - 1])

    def _where(self, chosen: NDArray[np.bool_]) -> Self:
        return replace(self, customer=self.customer[chosen], product=self.product[chosen], day=self.day[chosen])


def read_history() -> History:
    """All purchases in the database."""
    # A day as text, because the ORM takes four times as long when it makes datetimes of what is only compared.
    day = Left(Cast("purchased_at", CharField()), 10)
    rows = Purchase.objects.values_list("customer_id", "product_id", day).iterator(chunk_size=20_000)
    lines = np.fromiter(rows, dtype=[("customer", "i8"), ("product", "i8"), ("day", "U10")])
    return History(
        customer=lines["customer"],
        product=lines["product"],
        day=lines["day"].astype("datetime64[D]"),
        shelf=_read_shelf(),
    )


def _read_shelf() -> Shelf:
    looks: dict[str, int] = {}
    rows = Product.objects.filter(may_be_recommended=True).order_by("number").values_list("number", "name")
    shelf = np.array([(number, looks.setdefault(name, len(looks))) for number, name in rows], dtype=np.int64)
    shelf = shelf.reshape(-1, 2)
    return Shelf(product=shelf[:, 0].copy(), look=shelf[:, 1].copy())
