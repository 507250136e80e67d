"""A pool child that is forked while its parent's threads hold their locks."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("module", ["deferapp.clock", "deferapp.workers.presence"])
def test_a_child_does_not_inherit_a_lock_that_is_held(module: str) -> None:
    # A process of its own: forking beside the threads of pytest is nothing for the others.
    code = f"""
        import os, threading
        import django
        django.setup()
        import {module} as module

        module._lock.acquire()
        child = os.fork()
        if not child:
            os._exit(0 if module._lock.acquire(timeout=5) else 1)
        _, status = os.waitpid(child, 0)
        print(status, module._lock.locked())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("0 True\n", 0), done.stderr
