from deferapp import defer
from tests.shop import witness


@defer.cron("* * * * *")
def every_minute() -> None:
    witness.tell("every_minute")
