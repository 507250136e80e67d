from deferapp import defer
from tests.chaos.telling import PATIENT, body


@defer.cron("* * * * *", catch_up="all", retry=PATIENT)
def each_minute() -> None:
    with body():
        pass
