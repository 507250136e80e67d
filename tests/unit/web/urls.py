from django.urls import URLPattern, path

from deferapp.views import FunctionView
from tests.unit.web import views


def both(route: str, view: type[FunctionView]) -> list[URLPattern]:
    """One URL for POST and one for GET."""
    return [path(route, view.as_view()), path(f"{route}<uuid:id>/", view.as_view())]


urlpatterns = [
    *both("denied/", views.Denied),
    *both("add/", views.Add),
    *both("note/", views.Note),
    *both("count/", views.CountCustomers),
    *both("add-to/<int:first>/", views.AddToPath),
    *both("broken/", views.Broken),
]
