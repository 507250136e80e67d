"""Pages of the sample, Django admin, and the addresses to which mail providers report."""

from django.contrib import admin
from django.urls import include, path

from marketplace import views

urlpatterns = [
    path("", views.home, name="home"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
    path("anymail/", include("anymail.urls")),
    path("admin/", admin.site.urls),
]
