"""Where a message leads: pages of Django admin below `DEFER["SITE_URL"]`; nowhere without it."""

from __future__ import annotations

from django.urls import reverse

from deferapp import conf
from deferapp.alerts.message import Link


def to(text: str, page: str, *args: object) -> list[Link]:
    """A link to an admin page of deferapp by its name, as in `to("Execution", "execution_change", id)`; or none.

    Workers read the project's URLs for this, which may be without the admin, or not theirs to import.
    """
    site = conf.current().SITE_URL.rstrip("/")
    if not site:
        return []
    try:
        return [Link(text=text, url=f"{site}{reverse(f'admin:deferapp_{page}', args=args)}")]
    except Exception:
        return []
