"""Requests as a page's script makes them."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from deferapp.executions.values import encode_result
from deferapp.models import Execution


def post(client: Client, url: str, arguments: Any, **headers: str) -> HttpResponse:
    return client.post(url, json.dumps(arguments), content_type="application/json", headers=headers)


def enqueue(client: Client, url: str, arguments: Any) -> Execution:
    """Enqueue through a view, which accepts it."""
    response = post(client, url, arguments)
    assert (response.status_code, response.json()["state"]) == (202, "created"), response.content
    return Execution.objects.get(id=response.json()["id"])


def read(client: Client, url: str, execution: Execution) -> dict[str, Any]:
    """What a view tells of an execution, to whom it may tell it."""
    response = client.get(f"{url}{execution.id}/")
    assert response.status_code == 200, response.content
    return response.json()


def end(execution: Execution, state: str, result: object = None, **fields: Any) -> None:
    """Let the ledger say that it has ended."""
    text = encode_result("test", result) if state == "succeeded" else None
    Execution.objects.filter(id=execution.id).update(state=state, result_json=text, **fields)
