"""What the tests of options share: no function of theirs stays declared."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_registry(empty_registry: None) -> None: ...
