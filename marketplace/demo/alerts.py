"""The alerts of a demo: printed, where no channel is set up."""

from __future__ import annotations

import time
from typing import Final

from django.conf import settings
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from deferapp.alerts import Message
from deferapp.models import Delivery

PATIENCE: Final = 15.0
"""Seconds that the end of a demo waits for messages that are to be sent."""
_consoles: list[Console] = []


def print_on(console: Console, site_url: str) -> None:
    """Print messages there, unless the settings say whom to tell. Links lead to the site of this demo."""
    _consoles[:] = [console]
    channels = settings.DEFER["ALERTS"] or [{"call": f"{__name__}.show", "name": "this terminal"}]
    settings.DEFER = {**settings.DEFER, "ALERTS": channels, "SITE_URL": site_url}


def show(message: Message) -> None:
    """The channel."""
    for console in _consoles:
        console.print(Panel(Text(message.as_text()), title="Alert, as Slack would get it", title_align="left"))


def wait_until_told() -> None:
    """Housekeeping counts failures, makes messages of them and sends them, each once a second."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends and not _all_told():
        time.sleep(0.2)


def _all_told() -> bool:
    deliveries = Delivery.objects.all()
    return deliveries.exists() and not deliveries.filter(due_at__isnull=False).exists()
