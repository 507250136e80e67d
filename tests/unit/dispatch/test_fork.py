"""A pool child that is forked while its parent publishes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_child_that_is_forked_while_a_thread_publishes_can_publish() -> None:
    # A process of its own: forking beside the threads of pytest is nothing for the others.
    code = """
        import os, signal, threading
        from deferapp.dispatch.broker import broker

        publishing, forked = threading.Event(), threading.Event()

        def publish():
            with broker._lock:
                publishing.set()
                forked.wait()

        threading.Thread(target=publish).start()
        publishing.wait()
        child = os.fork()
        if not child:
            signal.alarm(20)
            os._exit(0 if broker.send("any", [], {}) else 1)
        forked.set()
        _, status = os.waitpid(child, 0)
        print(status)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "BROKER_URL": "memory://",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr
