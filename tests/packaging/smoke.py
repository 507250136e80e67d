"""To be run in a project made from the template, by the Python of an environment: does all of it work there?

Prints one line of JSON, with the results of functions and the packages that deferapp has imported by itself. (What the
others import, as redis does with parts of OpenTelemetry, is their affair.)
"""

import builtins
import json
import os
import sys
import time

SECONDS = 60
imported: set[str] = set()


def watch_imports() -> None:
    original = builtins.__import__

    def watched(name, globals=None, locals=None, fromlist=(), level=0):  # type: ignore[no-untyped-def]
        if level == 0 and (globals or {}).get("__name__", "").partition(".")[0] == "deferapp":
            imported.add(name.partition(".")[0])
        return original(name, globals, locals, fromlist, level)

    builtins.__import__ = watched


def main() -> None:
    watch_imports()
    sys.path.insert(0, os.getcwd())
    os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
    import django

    django.setup()
    prepare()
    results = run_functions()
    open_pages()
    print(json.dumps({"results": results, "imported": sorted(imported)}))


def prepare() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
    call_command("check", fail_level="WARNING")


def run_functions() -> list[object]:
    from django.contrib.auth import get_user_model
    from shop.defer.count_users import count_users
    from shop.defer.greet import greet

    from deferapp.embedded import EmbeddedWorker

    get_user_model().objects.create_superuser("ada", password="-")
    with EmbeddedWorker():
        executions = [greet("Ada"), count_users.run_now()]
        deadline = time.monotonic() + SECONDS
        while any(execution.state in ("created", "started") for execution in executions):
            assert time.monotonic() < deadline, "the functions have not ended"
            time.sleep(0.05)
            for execution in executions:
                execution.refresh_from_db()
    return [execution.result for execution in executions]


def open_pages() -> None:
    from django.contrib.auth import get_user_model
    from django.contrib.staticfiles import finders
    from django.test import Client
    from django.urls import reverse

    from deferapp.models import Execution

    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.get())
    pages = [
        reverse("admin:app_list", args=["deferapp"]),
        reverse("admin:deferapp_execution_changelist"),
        reverse("admin:deferapp_execution_change", args=[Execution.objects.first().pk]),
        reverse("admin:deferapp_schedule_changelist"),
        "/health/",
    ]
    for page in pages:
        assert client.get(page).status_code == 200, page
    assert finders.find("deferapp/dashboard.css")


if __name__ == "__main__":
    main()
