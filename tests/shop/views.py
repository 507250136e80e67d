"""Requests that enqueue."""

from django.http import HttpRequest, JsonResponse

from tests.shop.defer.note import note


def note_in_request(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"id": str(note(request.GET["text"]).id)})


async def note_in_async_request(request: HttpRequest) -> JsonResponse:
    execution = await note(request.GET["text"])
    return JsonResponse({"id": str(execution.id)})
