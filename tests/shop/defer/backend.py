from deferapp import defer
from tests.shop.backends import backend_pid


@defer
def backend() -> int:
    """Return the process of the database's server that serves this function."""
    return backend_pid()
