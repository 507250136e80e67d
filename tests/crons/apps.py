from typing import Any

from django.apps import AppConfig


class CronsConfig(AppConfig):
    name = "tests.crons"

    def ready(self) -> None:
        from deferapp import signals

        signals.alerted.connect(_tell_alerted)
        signals.recovered.connect(_tell_recovered)


def _tell_alerted(alert: Any, **_named: Any) -> None:
    from tests.shop import witness

    witness.tell(f"alerted {alert.kind}")


def _tell_recovered(alert: Any, **_named: Any) -> None:
    from tests.shop import witness

    witness.tell(f"recovered {alert.kind}")
