"""Pages of the tests' project."""

from django.contrib import admin
from django.urls import path

from tests.shop import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("note/", views.note_in_request),
    path("anote/", views.note_in_async_request),
]
