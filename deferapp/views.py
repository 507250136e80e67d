"""A background function as a URL: POST its arguments, then GET what became of the execution.

    path("recommend/", RecommendView.as_view(), name="recommend"),              # POST
    path("recommend/<uuid:id>/", RecommendView.as_view(), name="recommend"),    # GET

Nobody may do either until a subclass says who may. An execution is readable by whoever enqueued it through the same
view, and by nobody else: to all others it does not exist. CSRF protection is Django's.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import View

from deferapp.executions import results
from deferapp.executions.states import ENDED, State
from deferapp.functions.function import BackgroundFunction
from deferapp.models import Execution, ledger

OWNER = "deferapp.owner"
"""The key of the metadata that says who enqueued an execution."""


class FunctionView(View):
    """Set `function`, and override `has_permission`."""

    http_method_names = ["get", "post", "options"]
    function: ClassVar[BackgroundFunction[..., Any] | None] = None

    def has_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Whether this request may enqueue and read. Denied unless a subclass allows it; then 403 is answered."""
        return False

    def arguments(self, request: HttpRequest) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments: of the body, a JSON array or a JSON object. Raises `ValueError`.

        Override it to add what the caller must not choose, such as the user.
        """
        body = json.loads(request.body or b"[]")
        if isinstance(body, list):
            return body, {}
        if isinstance(body, dict):
            return [], body
        raise ValueError("The body is a JSON array of positional or a JSON object of keyword arguments.")

    def owner(self, request: HttpRequest) -> str:
        """Whom an execution belongs to: the user who is logged in, else the session, which this may create."""
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            return f"user:{hashlib.sha256(str(user.pk).encode()).hexdigest()}"
        if request.session.session_key is None:
            request.session.create()
        return f"session:{hashlib.sha256(str(request.session.session_key).encode()).hexdigest()}"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_permission(request):
            return _answer(403, error="You may not do this.")
        return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Enqueue; 202 with the id and the state, 400 if the arguments do not fit."""
        function = self._function()
        try:
            args, kwargs = self.arguments(request)
            owned = function.options(metadata={**function.assigned.metadata, OWNER: self.owner(request)})
            execution = owned.enqueue(*args, **kwargs)
        except (ValueError, TypeError) as error:
            return _answer(400, error=str(error))
        return _answer(202, id=str(execution.id), state=str(execution.state))

    def get(self, request: HttpRequest, id: UUID) -> HttpResponse:
        """The state, and the result or the error once it has ended; 404 if it is not this caller's."""
        rows = Execution.objects.using(ledger()).filter(id=id, function=self._function().name)
        execution = rows.first()
        if execution is None or execution.metadata.get(OWNER) != self.owner(request):
            return _answer(404, error="There is no such execution.")
        return _answer(200, id=str(execution.id), state=str(execution.state), **self.outcome(execution))

    def outcome(self, execution: Execution) -> dict[str, Any]:
        """What is told of an execution's end. An error is told by its code: its message is not for the public."""
        if execution.state == State.SUCCEEDED:
            return {"result": results.of(execution)}
        return {"error": execution.error_code or str(execution.state)} if execution.state in ENDED else {}

    def _function(self) -> BackgroundFunction[..., Any]:
        if self.function is None:
            raise TypeError(f"{type(self).__name__}.function is the background function to enqueue; it is not set")
        return self.function


class _Encoder(DjangoJSONEncoder):
    """Dates, decimals and UUIDs as Django writes them, and everything else that a result may be as its `str`."""

    def default(self, value: Any) -> Any:
        try:
            return super().default(value)
        except TypeError:
            return str(value)


def _answer(status: int, **content: Any) -> JsonResponse:
    return JsonResponse(content, status=status, encoder=_Encoder)
