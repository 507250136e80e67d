"""Where a body runs."""

import os
import threading


def place() -> str:
    """Return the process and the thread."""
    return f"{os.getpid()}/{threading.get_native_id()}"
