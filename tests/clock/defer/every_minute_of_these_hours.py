from django.utils import timezone

from deferapp import defer
from tests.clock import hours
from tests.shop import witness


@defer.cron(f"* {hours.HERE} * * *")
async def every_minute_of_these_hours() -> None:
    witness.tell(f"every_minute_of_these_hours {timezone.now():%H:%M}")
