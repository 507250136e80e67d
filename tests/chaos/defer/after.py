from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT)
def after(label: str) -> None:
    """Run when a fan-out has ended."""
    with body():
        pass
