"""A small data set in the shape of the real one: the same files, columns and types, and the same oddities.

Households with even numbers like baking, those with odd numbers like barbecues, so a recommender has something to find
out. Each buys most of what it likes over twenty weeks, and the rest in the last four. Everybody also buys fuel, beer,
and a product that the data set does not describe; bread alone comes and goes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

HOUSEHOLDS: Final = 240
TASTES: Final = (list(range(100, 112)), list(range(200, 212)))
"""Product numbers: of baking, of barbecues."""
FUEL, BEER, UNKNOWN, NEVER_SOLD, NAMESAKE = 1, 2, 3, 4, 5
NEW_OF_EACH: Final = 3
"""How many products each household buys for the first time in the last four weeks."""
CAMPAIGNED: Final = range(1, 16)
END: Final = datetime(2017, 12, 31, 20, tzinfo=UTC)

PRODUCT_TYPE: Final = pa.schema(
    [
        ("product_id", pa.int64()),
        ("manufacturer_id", pa.int64()),
        ("department", pa.string()),
        ("brand", pa.string()),
        ("product_category", pa.string()),
        ("product_type", pa.string()),
        ("package_size", pa.string()),
    ]
)
TRANSACTION_TYPE: Final = pa.schema(
    [
        ("household_id", pa.int64()),
        ("store_id", pa.int64()),
        ("basket_id", pa.int64()),
        ("product_id", pa.int64()),
        ("quantity", pa.int64()),
        ("sales_value", pa.float64()),
        ("week", pa.int64()),
        ("transaction_timestamp", pa.timestamp("ns")),
    ]
)
CAMPAIGN_TYPE: Final = pa.schema([("campaign_id", pa.int64()), ("household_id", pa.int64())])

Line = tuple[int, int, int, float, datetime]


def write(folder: Path) -> Path:
    """Write the files and return the folder."""
    _write(folder / "products.parquet", PRODUCT_TYPE, products())
    _write(folder / "campaigns.parquet", CAMPAIGN_TYPE, campaigns())
    _write(folder / "transactions.parquet", TRANSACTION_TYPE, [_transaction(line) for line in lines()])
    return folder


def products() -> list[dict[str, Any]]:
    rows = [
        _product(number, "GROCERY", "BAKING NEEDS", f"FRZN CAKE {chr(97 + number - 100)}{number}", size="14.5 OZ")
        for number in TASTES[0]
    ]
    rows += [_product(number, "MEAT", "BEEF", f"STEAK {number}", size="L      8 OZ") for number in TASTES[1]]
    rows[0]["brand"] = "Private"
    return [
        *rows,
        _product(FUEL, "FUEL", "COUPON/MISC ITEMS", "GASOLINE-REG UNLEADED", size=None),
        _product(BEER, "GROCERY", "BEERS/ALES", "BEERALEMALT LIQUORS", size="12 OZ"),
        _product(NEVER_SOLD, "GROCERY", "SOUP", "DRY SOUP", size="5 OZ"),
        _product(NAMESAKE, "GROCERY", "BAKING NEEDS", rows[0]["product_type"], size="1 LB"),
    ]


def campaigns() -> list[dict[str, int]]:
    return [{"campaign_id": campaign, "household_id": household} for campaign in (1, 2) for household in CAMPAIGNED]


def lines() -> list[Line]:
    """(household, product, quantity, dollars, time), in the order of time."""
    found = [line for household in range(1, HOUSEHOLDS + 1) for line in _lines_of(household)]
    return sorted(found, key=lambda line: line[-1])


def taste_of(household: int) -> list[int]:
    return TASTES[household % 2]


def new_of(household: int) -> set[int]:
    """What the household buys for the first time in the last four weeks."""
    liked = taste_of(household)
    return {liked[(household // 2 + step) % len(liked)] for step in range(NEW_OF_EACH)}


def _lines_of(household: int) -> list[Line]:
    early = END - timedelta(weeks=20) + timedelta(hours=household)
    late = END - timedelta(days=20) + timedelta(hours=household)
    new = new_of(household)
    bought: list[Line] = [(household, FUEL, 10_000, 25.0, early), (household, BEER, 2, 13.98, early)]
    bought.append((household, UNKNOWN, 0, 0.0, early))
    bought += [
        (household, product, 1 + product % 2, 1.1 * (1 + product % 2), late if product in new else early)
        for product in taste_of(household)
    ]
    if household % 8 == 0:
        bought.append((household, NAMESAKE, 1, 2.0, early))
    return bought


def _product(number: int, department: str, category: str, kind: str, *, size: str | None) -> dict[str, Any]:
    return {
        "product_id": number,
        "manufacturer_id": 69,
        "department": department,
        "brand": "National",
        "product_category": category,
        "product_type": kind,
        "package_size": size,
    }


def _transaction(line: Line) -> dict[str, Any]:
    household, product, quantity, dollars, time = line
    return {
        "household_id": household,
        "store_id": 330,
        "basket_id": household * 1000,
        "product_id": product,
        "quantity": quantity,
        "sales_value": dollars,
        "week": 1,
        "transaction_timestamp": time,
    }


def _write(path: Path, schema: pa.Schema, rows: list[dict[str, Any]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
