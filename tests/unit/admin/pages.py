"""Looking at the pages of the admin as a person of staff does."""

from __future__ import annotations

import re
from typing import Any, Final

from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

_BREAK: Final = re.compile("<br>|</t[dh]>|</li>|</d[dt]>")


def open_page(client: Client, name: str, *args: object, **query: Any) -> str:
    """The HTML of a page of deferapp's models, as in `open_page(client, "execution_changelist", state="failed")`."""
    response = client.get(reverse(f"admin:deferapp_{name}", args=args), query)
    assert response.status_code == 200, response
    return response.content.decode()


def text_of(html: str) -> str:
    """What one reads there, with single spaces."""
    content = html.partition('<div id="content-main">')[2]
    return " ".join(strip_tags(_BREAK.sub(" ", content)).split())


def rows_of(html: str) -> str:
    """The list itself, without its filters."""
    return html.partition("<tbody>")[2].partition("</tbody>")[0]
