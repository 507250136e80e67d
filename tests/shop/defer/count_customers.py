from deferapp import defer
from tests.shop.models import Customer


@defer
async def count_customers(prefix: str) -> list[object]:
    """Use the async ORM in the ways it has: a query, a loop, and a row that is written."""
    await Customer.objects.aget_or_create(email=f"{prefix}@example.com")
    emails = [customer.email async for customer in Customer.objects.filter(email__startswith=prefix)]
    return [await Customer.objects.filter(email__startswith=prefix).acount(), *emails]
