"""The Python that the peers run in: an environment of their own in var/, made when it is asked for first."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

from tests.leases import ROOT

REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")
DIRECTORY: Final = ROOT / "var" / "bench-peers"


def python() -> Path:
    """Install what is pinned, if it has not been, and give the interpreter."""
    found, made_of = DIRECTORY / "bin" / "python", DIRECTORY / "made-of.txt"
    wanted = REQUIREMENTS.read_text()
    if not made_of.exists() or made_of.read_text() != wanted:
        print("Installing the peers", file=sys.stderr, flush=True)
        venv.create(DIRECTORY, clear=True, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        subprocess.run([found, *install, "-r", REQUIREMENTS], check=True, stdout=sys.stderr)
        made_of.write_text(wanted)
    return found
