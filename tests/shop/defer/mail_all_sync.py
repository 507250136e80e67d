import threading

from deferapp import current_execution, defer
from tests.shop import witness
from tests.shop.defer.mail import mail
from tests.shop.retries import SHORT


@defer(retry=SHORT)
def mail_all_sync(total: int, stop_at: int, stop: str) -> None:
    """Do what `mail_all` does, in sync code."""
    attempt = current_execution().attempt
    for number in range(total):
        if attempt == 1 and number == stop_at:
            witness.tell(f"stopped: {stop}")
            if stop == "raise":
                raise RuntimeError("in the middle of the fan-out")
            threading.Event().wait()
        mail(number)
