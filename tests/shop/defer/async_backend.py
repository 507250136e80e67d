from asgiref.sync import sync_to_async

from deferapp import defer
from tests.shop.backends import backend_pid


@defer
async def async_backend() -> int:
    """Return the process of the database's server that serves the async ORM."""
    return await sync_to_async(backend_pid)()
