from deferapp import defer
from tests.shop import gates, witness


@defer(concurrency=1, max_concurrency_action="cancel")
def one_or_cancelled(label: str) -> None:
    witness.tell(label)
    gates.wait(label)
