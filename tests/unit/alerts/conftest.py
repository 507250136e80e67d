"""What the tests of alerts share: who listens to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deferapp import signals
from deferapp.models import Alert


@pytest.fixture
def told() -> Iterator[list[tuple[str, Alert]]]:
    """The signals that were sent, with their alerts."""
    heard: list[tuple[str, Alert]] = []

    def alerted(sender: Any, alert: Alert, **_named: Any) -> None:
        assert sender is Alert
        heard.append(("alerted", alert))

    def recovered(sender: Any, alert: Alert, **_named: Any) -> None:
        assert sender is Alert
        heard.append(("recovered", alert))

    signals.alerted.connect(alerted)
    signals.recovered.connect(recovered)
    yield heard
    signals.alerted.disconnect(alerted)
    signals.recovered.disconnect(recovered)
