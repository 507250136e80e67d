"""What the tests of retries share: no function of theirs stays declared, and no worker entered."""

from __future__ import annotations

import pytest

from deferapp.workers import presence


@pytest.fixture(autouse=True)
def _own_registry_and_worker(empty_registry: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_mine", None)
