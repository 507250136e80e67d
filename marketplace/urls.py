"""Pages of the sample, Django admin, and the addresses to which mail providers report."""

from django.contrib import admin
from django.urls import path

from marketplace import on_demand, views
from marketplace.mails import webhooks

urlpatterns = [
    path("", views.home, name="home"),
    path("recommend/", on_demand.page, name="recommend"),
    path("recommend/now/", on_demand.RecommendNow.as_view(), name="recommend-now"),
    path("recommend/now/<uuid:id>/", on_demand.RecommendNow.as_view(), name="recommend-now"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
    path("anymail/<path:path>", webhooks.report),
    path("admin/", admin.site.urls),
]
