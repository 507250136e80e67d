from deferapp import defer
from tests.crons import frequency
from tests.crons.telling import tell_run


@defer.cron(frequency("catch_none"), catch_up="none")
def catch_none() -> None:
    tell_run()
