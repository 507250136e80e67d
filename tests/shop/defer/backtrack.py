import re

from deferapp import defer
from tests.shop import witness


@defer(max_duration=1, retry=0)
def backtrack(label: str) -> None:
    """Search for longer than a life, without ever giving up Python's lock."""
    witness.tell(f"{label} began")
    re.match(r"(a+)+$", "a" * 64 + "b")
