from django.utils import timezone

from deferapp import defer
from tests.shop import witness


@defer.cron("* * * * *")
def every_minute() -> None:
    witness.tell(f"every_minute {timezone.now():%H:%M}")
