"""Messages forged into the broker start at most what the ledger holds, with a real worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LIMIT_SECONDS = 240


def test_forged_messages_start_nothing_that_is_not_due_and_stop_nothing_that_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.security.forger"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "BROKER_URL": "memory://"},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["states"] == {
        "ended": "succeeded",
        "not due": "created",
        "paused": "created",
        "cancelled": "cancelled",
    }
    assert found["ran"] == {"ended": 1, "last": 1, "a": 1, "b": 1, "c": 1, "yearly": 1}
    assert (found["at once under a limit of one"], found["made by forging"], found["due moments"]) == (1, 0, 1)
    assert "7,200,024 bytes" in done.stderr
    assert "a pickle" not in done.stderr
