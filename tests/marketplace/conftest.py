"""The marketplace with a small data set, its own pages, and folders of a test's own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import LazySettings

from marketplace.dataset.load import load
from marketplace.dataset.source import Source
from marketplace.models import Customer
from marketplace.recommender.refresh import refresh
from tests.marketplace import sample


@pytest.fixture(autouse=True)
def marketplace(settings: LazySettings, tmp_path: Path) -> None:
    settings.ROOT_URLCONF = "marketplace.urls"
    settings.SITE_URL = "https://shop.example"
    settings.DEFAULT_FROM_EMAIL = "Marketplace <weekly@shop.example>"
    settings.EMAIL_FILE_PATH = tmp_path / "mails"
    settings.RECOMMENDER_FILE = tmp_path / "recommender.npz"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the small data set."""
    return sample.write(tmp_path_factory.mktemp("data"))


@pytest.fixture
def loaded(db: None, folder: Path) -> None:
    load(Source(folder))


@pytest.fixture(scope="session")
def _trained_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model") / "recommender.npz"


@pytest.fixture
def trained(loaded: None, _trained_file: Path, settings: LazySettings) -> None:
    """A recommender that knows the small data set; trained once for all tests."""
    settings.RECOMMENDER_FILE = _trained_file
    if not _trained_file.exists():
        refresh()


@pytest.fixture
def customer(db: None) -> Customer:
    return Customer.objects.create(household=7, email="ada@example.com", weekly_product_recommendations=True)


@pytest.fixture
def monday() -> datetime:
    return datetime(2025, 2, 10, 8, tzinfo=UTC)
