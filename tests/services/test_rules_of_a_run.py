"""What a run of the tests refuses to call a success."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.leases import ROOT

SKIPS = """
import pytest
def test_that_passes(): pass
def test_that_is_skipped(): pytest.skip("for no good reason")
"""


def _run(directory: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on one file, by the rules of our conftest.py."""
    (directory / "test_skips.py").write_text(SKIPS)
    ours = {key: value for key, value in os.environ.items() if key != "CI" and not key.startswith("PYTEST_")}
    without_database = {**ours, "PYTHONPATH": str(ROOT), "DATABASE_URL": ""}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:django", "-p", "tests.conftest", *options, str(directory)],
        cwd=directory,
        env={**without_database, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_skipped_test_fails_a_run_in_ci_and_the_last_line_is_still_pytests(tmp_path: Path, processes: str) -> None:
    done = _run(tmp_path, processes, CI="true")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "Tests were skipped, which fails a run in CI." in done.stdout
    assert "1 passed, 1 skipped" in done.stdout.splitlines()[-1]


def test_a_skipped_test_is_allowed_elsewhere(tmp_path: Path) -> None:
    assert _run(tmp_path, "-n0").returncode == pytest.ExitCode.OK
