"""A background function as a URL: POST its arguments, then GET what became of the execution.

    class Recommend(FunctionView):
        function = recommend_now

        def has_permission(self, request):
            return request.user.is_authenticated

    path("recommend/", Recommend.as_view(), name="recommend"),              # POST
    path("recommend/<uuid:id>/", Recommend.as_view(), name="recommend"),    # GET

Nobody may do either until a subclass says who may. An execution is readable by whoever enqueued it through a view of
the same function, and by nobody else: to all others it does not exist. CSRF protection is Django's, and so are the
sessions by which it knows those who are not logged in: a view for programs, which have neither, checks a secret in
`has_permission` by `django.utils.crypto.constant_time_compare`, is exempted by `csrf_exempt`, and overrides `owner`.
Who logs in or out loses what was enqueued before; and how often somebody may enqueue is for `has_permission` to say.

What a caller did wrong is told in words; what went wrong on this side is told by nothing but the status.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any, ClassVar, Final

from django.core.exceptions import ImproperlyConfigured, RequestDataTooBig
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import classonlymethod
from django.utils.translation import gettext as _
from django.views import View

from deferapp import conf
from deferapp.exceptions import ArgumentError, ArgumentGone, OptionError
from deferapp.executions import results
from deferapp.executions.states import ENDED, ErrorCode, State
from deferapp.functions.function import BackgroundFunction
from deferapp.functions.options import MOST_PAIRS
from deferapp.models import Execution, ledger

OWNER: Final = "deferapp.owner"
"""The key, in an execution's metadata and in a session, of who enqueued."""
ID: Final = "id"
"""What a URL calls an execution's id; one without it is for POST."""


class FunctionView(View):
    """Set `function`, and override `has_permission`. Answers are JSON, errors too: `{"error": "…"}`."""

    function: ClassVar[BackgroundFunction[..., Any] | None] = None

    def has_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Whether this request may enqueue and read. Denied unless a subclass allows it; then 403 is answered."""
        return False

    def arguments(self, request: HttpRequest) -> tuple[list[Any], dict[str, Any]]:
        """Positional and keyword arguments: of the body, a JSON array or a JSON object.

        Override it to check them, or to add what the caller must not choose, such as the user. The caller is told the
        message of a `ValueError`.
        """
        try:
            body = json.loads(request.body or b"[]")
        except (ValueError, RecursionError) as error:
            raise ValueError(_("The body is no JSON: %s") % error) from None
        if isinstance(body, list):
            return body, {}
        if isinstance(body, dict):
            return [], body
        raise ValueError(_("The body is a JSON array of positional or a JSON object of keyword arguments."))

    def owner(self, request: HttpRequest) -> str:
        """Whom an execution belongs to: the user who is logged in, else the session, which is begun if there is none.

        Staff can read it in the metadata, so it is no key that would let them in. At most 256 ASCII characters. Reading
        begins no session: who has none has enqueued nothing.
        """
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated:
            return f"user:{hashlib.sha256(str(user.pk).encode()).hexdigest()}"
        # Not the session's key: a session that is kept in a cookie has none.
        if OWNER in request.session:
            return f"session:{request.session[OWNER]}"
        token = secrets.token_hex(16)
        if request.method == "POST":
            request.session[OWNER] = token
        return f"session:{token}"

    def outcome(self, execution: Execution) -> dict[str, Any]:
        """What is told of an execution's end. An error is told by its code: its message is not for the public."""
        if execution.state != State.SUCCEEDED:
            return {"error": execution.error_code or str(execution.state)} if execution.state in ENDED else {}
        try:
            return {"result": results.of(execution)}
        except ArgumentGone:  # The result refers to a row that has been deleted.
            return {"error": ErrorCode.INTERNAL.value}

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Raises `ImproperlyConfigured` for a function that cannot be served."""
        _check(cls.__name__, initkwargs.get("function", cls.function))
        return super().as_view(**initkwargs)

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.http_method_names = ["get", "head", "options"] if ID in kwargs else ["post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.has_permission(request):
            return _answer(403, error=_("You may not do this."))
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Enqueue; 202 with the id and the state. If nothing was enqueued, 400, 413 or 415 with the reason."""
        try:
            args, kwargs = self._arguments(request)
            execution = self._owned(self.owner(request)).enqueue(*args, **kwargs)
        except _Refusal as refusal:
            return _answer(refusal.status, error=str(refusal))
        except (ArgumentError, OptionError):
            # The message may quote what the view has added, and names the function's place in the code.
            return _answer(400, error=_("The arguments cannot be taken."))
        return _answer(202, id=execution.id, state=execution.state)

    def get(self, request: HttpRequest, *_args: Any, **kwargs: Any) -> HttpResponse:
        """The state, and the result or the error once it has ended; 404 if it is not this caller's.

        The owner is asked for in any case: an answer must not tell by its headers that there is such an execution.
        """
        owner = self.owner(request)
        rows = Execution.objects.using(ledger()).filter(id=kwargs[ID], function=self._function.name)
        execution = rows.defer("arguments_json").first()
        if execution is None or execution.metadata.get(OWNER) != owner:
            return _answer(404, error=_("There is no such execution."))
        return _answer(200, id=execution.id, state=execution.state, **self.outcome(execution))

    @property
    def _function(self) -> BackgroundFunction[..., Any]:
        assert self.function is not None  # `as_view` has seen to it.
        return self.function

    def _owned(self, owner: str) -> BackgroundFunction[..., Any]:
        return self._function.options(metadata={**self._function.assigned.metadata, OWNER: owner})

    def _arguments(self, request: HttpRequest) -> tuple[list[Any], dict[str, Any]]:
        """Those of the request, which fit the function. Raises `_Refusal`."""
        if request.content_type not in ("", "application/json"):
            raise _Refusal(415, _("Send the arguments as application/json."))
        try:
            _check_size(request)
            args, kwargs = self.arguments(request)
        except RequestDataTooBig:
            raise _Refusal(413, _("The body is too large.")) from None
        except ValueError as error:
            raise _Refusal(400, str(error)) from None
        try:
            self._function.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise _Refusal(400, _("The arguments do not fit: %s") % error) from None
        return args, kwargs


def _check_size(request: HttpRequest) -> None:
    """Raises `RequestDataTooBig` for a body that is larger than arguments may be, before it is read if it says so.

    Django's own limit may be higher, or off.
    """
    limit = conf.current().MAX_ARGUMENTS
    if int(request.META.get("CONTENT_LENGTH") or 0) > limit or len(request.body) > limit:
        raise RequestDataTooBig


class _Refusal(Exception):
    """A request that enqueues nothing."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Encoder(DjangoJSONEncoder):
    """Dates, decimals and UUIDs as Django writes them, and everything else that a result may be as its `str`."""

    def default(self, value: Any) -> Any:
        try:
            return super().default(value)
        except TypeError:
            return str(value)


def _answer(status: int, **content: Any) -> JsonResponse:
    response = JsonResponse(content, status=status, encoder=_Encoder)
    add_never_cache_headers(response)
    return response


def _check(view: str, function: object) -> None:
    if not isinstance(function, BackgroundFunction):
        raise ImproperlyConfigured(f"{view}.function is the background function to enqueue, not {function!r:.100}")
    if function.assigned.key is not None:
        raise ImproperlyConfigured(f"{view}.function has key=: all callers would share an execution that one may read")
    if len({*function.assigned.metadata, OWNER}) > MOST_PAIRS:
        raise ImproperlyConfigured(f"{view}.function has {MOST_PAIRS} pairs of metadata: the view needs one of them")
