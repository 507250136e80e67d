"""The outside world: a file to which every effect appends a line, so that tests count what happened."""

from __future__ import annotations

import os

from django.conf import settings


def tell(line: str) -> None:
    """Append the line. One write to a file opened for appending never mixes with another's."""
    file = os.open(settings.WITNESS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)
