"""Looking at the pages as a person of staff does."""

from __future__ import annotations

import re
from typing import Final

from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

MAIL: Final = "tests.shop.defer.mail"
_FORM: Final = re.compile(r"<(script|title|option)\b.*?</\1>", re.DOTALL)


def overview(client: Client, **query: str) -> str:
    return opened(client, reverse("admin:app_list", args=["deferapp"]), **query)


def function_page(client: Client, name: str = MAIL, **query: str) -> str:
    return opened(client, function_url(name), **query)


def function_url(name: str = MAIL) -> str:
    return reverse("admin:deferapp_function", args=[name])


def opened(client: Client, url: str, **query: str) -> str:
    response = client.get(url, query)
    assert response.status_code == 200, response
    return response.content.decode()


def text_of(html: str) -> str:
    """What one reads there, with single spaces; without what only charts say."""
    content = _FORM.sub(" ", html.partition('<div id="content-main">')[2] or html)
    return " ".join(strip_tags(re.sub("<", " <", content)).split())


def section(html: str, name: str) -> str:
    """One region of the page, by its id without "deferapp-"."""
    begin = html.find(f'<div id="deferapp-{name}"')
    assert begin >= 0, f"there is no {name}"
    depth = 0
    for tag in re.finditer(r"<(/?)div\b", html[begin:]):
        depth += -1 if tag[1] else 1
        if not depth:
            return html[begin : begin + tag.start()]
    raise AssertionError(f"{name} does not end")


def names_attributes_of_style_or_script(html: str) -> list[str]:
    """What a strict Content-Security-Policy would refuse."""
    inline = re.findall(r"<style\b[^>]*>|<script(?![^>]*\ssrc=)[^>]*>", html)
    return [*inline, *re.findall(r"<[^>]*\s(?:style|on\w+)=[^>]*>", html)]
