"""Nothing is changed through the pages, by nobody, and they need neither inline style nor script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import path, reverse

from deferapp.admin import ExecutionAdmin
from deferapp.executions.states import State
from deferapp.models import Alert, AlertKind, Execution, Schedule
from tests.unit.admin.pages import open_page
from tests.unit.rows import make_execution, make_worker


class Backoffice(admin.AdminSite):
    """A second site besides the default one."""


backoffice = Backoffice(name="backoffice")
backoffice.register(Execution, ExecutionAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("backoffice/", backoffice.urls)]


def make_schedule() -> Schedule:
    return Schedule.objects.create(function="shop.defer.weekly", declared_frequency="@weekly", frequency="@weekly")


def make_alert() -> Alert:
    return Alert.objects.create(kind=AlertKind.BEAT_SILENT, text="No ring has come.")


MAKERS: list[Callable[[], Model]] = [make_execution, make_schedule, make_worker, make_alert]


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize("make", MAKERS)
def test_not_even_a_superuser_can_change_anything(superuser: Client, make: Callable[[], Model]) -> None:
    row = make()
    name = f"admin:deferapp_{row._meta.model_name}"
    before = type(row)._default_manager.filter(pk=row.pk).values().get()
    assert superuser.get(reverse(f"{name}_add")).status_code == 403
    assert superuser.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert superuser.post(reverse(f"{name}_change", args=[row.pk]), {"function": "x"}).status_code == 403
    superuser.post(reverse(f"{name}_changelist"), {"action": "delete_selected", "_selected_action": [row.pk]})
    assert type(row)._default_manager.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("make", MAKERS)
def test_pages_hold_no_inline_style_or_script(superuser: Client, make: Callable[[], Model]) -> None:
    row = make()
    for html in (
        open_page(superuser, f"{row._meta.model_name}_changelist"),
        open_page(superuser, f"{row._meta.model_name}_change", row.pk),
    ):
        assert "<style" not in html
        assert not re.search(r"<script(?![^>]* (src|type=\"application/json\"))", html)
        assert not re.search(r"\s(style|on\w+)=", html)


@pytest.mark.urls(__name__)
def test_the_pages_of_a_site_of_ones_own_lead_to_that_site(superuser: Client) -> None:
    child = make_execution(parent=make_execution(), state=State.FAILED)
    html = superuser.get(f"/backoffice/deferapp/execution/{child.parent_id}/change/").content.decode()
    assert f"/backoffice/deferapp/execution/?parent={child.parent_id}&amp;state=failed" in html
    assert "/admin/" not in html.partition("content-main")[2].replace("/static/admin/", "")
