"""Where workers look for the jobs of the peer that they are."""

import importlib

from django.conf import settings

if settings.PEER.startswith("huey"):
    importlib.import_module("benchmarks.peers.huey")
elif settings.PEER == "procrastinate":
    importlib.import_module("benchmarks.peers.procrastinate")
elif settings.PEER == "django-tasks-db":
    importlib.import_module("benchmarks.peers.tasks_db")
