from deferapp import defer
from tests.crons import frequency
from tests.crons.telling import tell_run


@defer.cron(frequency("catch_all"), catch_up="all")
def catch_all() -> None:
    tell_run()
