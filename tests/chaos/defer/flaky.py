from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer(retry=PATIENT)
def flaky(number: int) -> None:
    """Fail up to twice."""
    with body() as execution:
        if execution.attempt <= number % 3:
            raise ConnectionError("not yet")
