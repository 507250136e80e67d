"""A process that has imported what others have written, and forks the processes of projects: see `tests/starter.py`.

What it forks is a process like any that is started: it leads a session of its own, with an environment of its own, in
which Django is set up from nothing and `python -m …` or `python -c …` runs. Only what reads no settings and no
environment is imported before: nothing of ours, so this is run as a file, and not as a module of `tests`. Limit: the
interpreter's own options and variables (PYTHONWARNINGS) have no effect.

Requests come by standard input, a line of JSON each: arguments, environment, directory, and the files for output and
errors. Answers go to standard output: ["started", pid, 0], and later ["ended", pid, exit code].
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import sys
from typing import Any, Final

PR_SET_PDEATHSIG: Final = 1

MODULES: Final = (
    "amqp",
    "asyncio",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.beat",
    "celery.bin.celery",
    "celery.bin.worker",
    "celery.concurrency.prefork",
    "celery.concurrency.thread",
    "celery.events.receiver",
    "celery.worker.consumer",
    "celery.worker.control",
    "celery.worker.pidbox",
    "celery.worker.strategy",
    "cron_descriptor",
    "cronsim",
    "crontab",
    "django.contrib.admin",
    "django.contrib.auth.password_validation",
    "django.core.management.commands.migrate",
    "django.core.management.commands.runserver",
    "django.core.cache",
    "django.db.backends.postgresql.base",
    "django.db.models",
    "django.forms.models",
    "django.template.loader",
    "django.test",
    "django.views.generic",
    "kombu.transport.pyamqp",
    "kombu.transport.redis",
    "psycopg.types.json",
    "pytimeparse",
    "redis",
    "redis.asyncio",
    "requests",
    "smtplib",
    "uuid6",
    "zoneinfo",
)
"""With what these import in their turn. None that keeps what its environment says: `celery.worker.autoscale` does."""


def main() -> None:
    for name in MODULES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    request = _serve()
    if request is not None:
        _run(request)


def _serve() -> dict[str, Any] | None:
    """Fork what is asked for and tell of ends, until the tests end. Returns what to be, in what was forked."""
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd != 0:
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    _say("ended", key.data, os.waitstatus_to_exitcode(os.waitpid(key.data, 0)[1]))
                    continue
                line = sys.stdin.buffer.readline()
                if not line:
                    return None
                request = json.loads(line)
                is_ready, ready = os.pipe()
                pid = os.fork()
                if not pid:
                    os.close(is_ready)
                    _become(request, ready)
                    return request
                os.close(ready)
                os.read(is_ready, 1)
                os.close(is_ready)
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
                _say("started", pid, 0)


def _say(kind: str, pid: int, code: int) -> None:
    os.write(1, json.dumps([kind, pid, code]).encode() + b"\n")


def _become(request: dict[str, Any], ready: int) -> None:
    """Be in one's own session, directory and environment, as if one had been started there."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.chdir(request["directory"])
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        (2, request["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        file = os.open(path, flags, 0o666)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.close(ready)


def _run(request: dict[str, Any]) -> None:
    option, what, *arguments = request["arguments"]
    sys.path.insert(0, request["directory"] if option == "-m" else "")
    sys.argv = [option, *arguments]
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    main()
