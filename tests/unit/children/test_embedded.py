"""Batches with failures among them, in a process with a real worker inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LIMIT_SECONDS = 180


def test_batches_are_awaited_and_followed_by_their_hooks_once_with_failures_among_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.children.embedded"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "BROKER_URL": "memory://"},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "async": {"succeeded": 20, "failed": 10},
        "sync": {"succeeded": 20, "failed": 10},
        "parent": {
            # The children, and the report on them.
            "before": {"succeeded": 7, "failed": 3},
            "retried": 3,
            "after": {"succeeded": 10},
        },
        "reports": ["of async code", "of sync code", "of the parent"],
        "executions": 3,
        "hooks": 0,
    }
