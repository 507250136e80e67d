"""The outside world: a file to which every effect appends a line, so that tests count what happened."""

from __future__ import annotations

import os

from django.conf import settings


def told(prefix: str) -> list[str]:
    """What has been told that begins so."""
    with open(settings.WITNESS) as file:
        return [line for line in file if line.startswith(prefix)]


def tell(line: str) -> None:
    """Append the line. One write to a file opened for appending never mixes with another's."""
    file = os.open(settings.WITNESS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)
