"""Functions of the test kit's own tests, declared for each test anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.testing.declaring import declared


@pytest.fixture(autouse=True)
def _declared() -> Iterator[None]:
    with declared():
        yield
