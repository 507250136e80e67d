"""The customers whom a run could not serve, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from deferapp.executions.values import decode_call
from deferapp.models import Execution
from marketplace.defer.compute_product_recommendation import compute_product_recommendation
from marketplace.models import Customer

MOST_NAMED: Final = 10


@dataclass(frozen=True, kw_only=True)
class Unserved:
    """One of them."""

    customer: str
    why: str


def unserved() -> list[Unserved]:
    failed = Execution.objects.filter(function=compute_product_recommendation.name, state="failed")
    return [Unserved(customer=_customer(each), why=each.reason) for each in failed.order_by("created_at")]


def lines(found: list[Unserved]) -> Iterator[str]:
    if not found:
        return
    yield f"{len(found):,} customers could not be served:" if len(found) > 1 else "1 customer could not be served:"
    yield from (f"  {each.customer}: {each.why}" for each in found[:MOST_NAMED])
    if len(found) > MOST_NAMED:
        yield f"  … and {len(found) - MOST_NAMED:,} more: the executions in Django admin, filtered by “failed”"


def _customer(execution: Execution) -> str:
    args, _kwargs = decode_call(execution.arguments_json)
    customer = args[0]
    return f"{customer} <{customer.email}>" if isinstance(customer, Customer) else str(customer)
