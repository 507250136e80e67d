"""Functions as URLs, each with a rule of its own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from deferapp.views import FunctionView
from tests.shop.defer.add import add
from tests.shop.defer.count_customers import count_customers
from tests.shop.defer.note import note


class Denied(FunctionView):
    function = add


class Open(FunctionView):
    def has_permission(self, request: HttpRequest) -> bool:
        return True


class Add(Open):
    function = add


class Note(Open):
    function = note.options(metadata={"tenant": "acme"})


class CountCustomers(Open):
    function = count_customers


class AddToPath(Open):
    """What the URL says is not for the caller to choose."""

    function = add

    def arguments(self, request: HttpRequest) -> tuple[list[Any], dict[str, Any]]:
        args, kwargs = super().arguments(request)
        if args == ["three"]:
            raise ValueError("Three is not for you.")
        return [self.kwargs["first"], *args], kwargs


class Broken(Add):
    """Fails after its execution was enqueued."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        super().post(request, *args, **kwargs)
        raise RuntimeError("after the enqueue")
