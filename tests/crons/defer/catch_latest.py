from deferapp import defer
from tests.crons import frequency
from tests.crons.telling import tell_run


@defer.cron(frequency("catch_latest"), catch_up="latest")
def catch_latest() -> None:
    tell_run()
