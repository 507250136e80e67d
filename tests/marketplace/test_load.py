"""Loading the data set."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from marketplace.dataset import source as source_module
from marketplace.dataset.load import AlreadyLoaded, load
from marketplace.dataset.source import Source, installed_folder
from marketplace.models import Customer, Product, Purchase, WeeklyMail
from tests.marketplace import sample


def test_every_line_household_and_sold_product_is_loaded(loaded: None) -> None:
    assert Purchase.objects.count() == len(sample.lines())
    assert Customer.objects.count() == sample.HOUSEHOLDS
    described_and_sold = len(sample.products()) - 1
    assert Product.objects.count() == described_and_sold + 1
    assert not Product.objects.filter(number=sample.NEVER_SOLD).exists()


def test_a_purchase_is_loaded_to_the_cent_and_the_second(loaded: None) -> None:
    household, product, quantity, _dollars, time = next(line for line in sample.lines() if line[1] == 101)
    purchase = Purchase.objects.get(customer=household, product=product)
    assert (purchase.quantity, purchase.amount) == (quantity, Decimal("2.20"))
    assert purchase.purchased_at == time


def test_those_whom_the_shop_sent_a_campaign_are_opted_in(loaded: None) -> None:
    opted_in = Customer.objects.filter(weekly_product_recommendations=True)
    assert [customer.pk for customer in opted_in] == list(sample.CAMPAIGNED)
    assert opted_in[0].email == "household-1@example.com"


def test_products_are_described_in_readable_words(loaded: None) -> None:
    product = Product.objects.get(number=100)
    assert (product.name, product.category, product.size) == ("Frozen cake a100", "Baking needs", "14.5 oz")
    assert (product.is_store_brand, product.price, product.may_be_recommended) == (True, Decimal("1.10"), True)


@pytest.mark.parametrize("number", [sample.FUEL, sample.BEER, sample.UNKNOWN])
def test_fuel_alcohol_and_what_is_not_described_may_not_be_recommended(loaded: None, number: int) -> None:
    assert not Product.objects.get(number=number).may_be_recommended


def test_a_product_that_was_given_away_or_sold_by_volume_has_no_price(loaded: None) -> None:
    assert Product.objects.get(number=sample.UNKNOWN).price is None
    assert Product.objects.get(number=sample.FUEL).price is None


def test_batches_add_up_to_all_lines_however_small_they_are(
    db: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "BATCH_SIZE", 100)
    told: list[int] = []
    load(Source(folder), progress=told.append)
    assert sum(told) == Source(folder).lines == Purchase.objects.count()
    assert max(told) <= 100
    assert Product.objects.get(number=100).price == Decimal("1.10")


def test_loading_twice_is_refused_and_changes_nothing(loaded: None, folder: Path) -> None:
    with pytest.raises(AlreadyLoaded):
        load(Source(folder))
    assert Purchase.objects.count() == len(sample.lines())


def test_replacing_leaves_the_data_set_alone(loaded: None, folder: Path) -> None:
    stranger = Customer.objects.create(household=100_000, email="stranger@example.com")
    WeeklyMail.objects.create(customer=stranger, week="2025-W07")
    load(Source(folder), replace=True)
    assert Customer.objects.count() == sample.HOUSEHOLDS
    assert Purchase.objects.count() == len(sample.lines())
    assert not WeeklyMail.objects.exists()


def test_a_load_that_breaks_off_leaves_nothing(db: None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(folder)

    def broken() -> Iterator[list[source_module.Row]]:
        yield [(1, 100, 1, "1.00", "2017-01-01 12:00:00")]
        raise OSError("the disk is gone")

    monkeypatch.setattr(source, "purchases", broken)
    with pytest.raises(OSError, match="the disk is gone"):
        load(source)
    assert not Customer.objects.exists()
    assert not Purchase.objects.exists()


def test_a_file_cut_short_is_refused_before_anything_is_written(db: None, folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken")
    transactions = broken / "transactions.parquet"
    transactions.write_bytes(transactions.read_bytes()[:-100])
    with pytest.raises(CommandError, match="broken cannot be read"):
        call_command("load_purchases", folder=broken)
    assert not Customer.objects.exists()


def test_a_folder_without_the_files_is_refused(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"cannot be read.*transactions\.parquet"):
        call_command("load_purchases", folder=tmp_path)


def test_the_command_loads_and_says_how_to_load_again(db: None, folder: Path) -> None:
    call_command("load_purchases", folder=folder)
    assert Customer.objects.count() == sample.HOUSEHOLDS
    with pytest.raises(CommandError, match="--replace"):
        call_command("load_purchases", folder=folder)
    call_command("load_purchases", folder=folder, replace=True)
    assert Customer.objects.count() == sample.HOUSEHOLDS


def test_the_installed_data_set_has_the_shape_that_the_loader_reads() -> None:
    source = Source(installed_folder())
    assert source.lines == 1_469_307
    first = next(iter(source.purchases()))[0]
    assert first == (900, 1095275, 1, "0.50", "2017-01-01 11:53:26")
