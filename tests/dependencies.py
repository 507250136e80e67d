"""The audit of what is installed: `python -m tests.dependencies review`, and `… advisories`.

Every pin of requirements.txt stands, with its version, in docs/dependencies.md, where it says when somebody looked at
it: that is asked without a network. Advisories are asked by pip-audit, of the package index. Where that does not
answer, or answers without knowing of anything, the review has to do: no network is no failure. (Of such an index
pip-audit says that nothing is wrong; so it is first asked about a version that is known to be bad.)
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
REVIEW: Final = "docs/dependencies.md"
BAD: Final = "jinja2==2.11.2"
"""A version with advisories, as anybody who has them knows."""
SECONDS: Final = 120
"""For one question of pip-audit, which asks about each package by itself."""

Answer = list[dict[str, Any]]
"""For each package its name and version, and its `vulns`, or why it was skipped."""

_PIN: Final = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;#]+)", re.MULTILINE)
_ROW: Final = re.compile(r"^\| ([\w.-]+) \| (\d[^ |]*) \|", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """The versions of a file of requirements, by name."""
    return {name.lower(): version for name, version in _PIN.findall(text)}


def unreviewed(requirements: str, review: str) -> list[str]:
    """What is wrong with the review, one line each."""
    pinned, known = pins(requirements), {name.lower(): version for name, version in _ROW.findall(review)}
    missing = [f"{name}=={version} is not reviewed" for name, version in pinned.items() if known.get(name) != version]
    return [*missing, *(f"{name} is reviewed and not pinned" for name in known if name not in pinned)]


def advisories(files: Iterable[str], ask: Callable[[list[str]], Answer | None]) -> list[str] | None:
    """What is known against the pins of the files, one line each; None if nobody can be asked."""
    with tempfile.TemporaryDirectory() as directory:
        bad = Path(directory, "bad.txt")
        bad.write_text(f"{BAD}\n")
        if not any(package.get("vulns") for package in ask(["-r", str(bad)]) or []):
            return None
    answer = ask([word for file in files for word in ("-r", file)])
    return None if answer is None else [line for package in answer for line in _lines(package)]


def _lines(package: dict[str, Any]) -> list[str]:
    if "skip_reason" in package:
        return [f"{package['name']}: {package['skip_reason']}"]
    place = f"{package['name']}=={package['version']}"
    return [f"{place}: {each['id']}, fixed in {', '.join(each['fix_versions']) or 'none'}" for each in package["vulns"]]


def pip_audit(arguments: list[str]) -> Answer | None:
    """Ask; None without an answer."""
    options = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--timeout=5", "--format=json"]
    command = [sys.executable, "-m", "pip_audit", *options, *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
        answer: Answer = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return answer


def main(what: str) -> int:
    if what == "review":
        found: list[str] | None = unreviewed(_text("requirements.txt"), _text(REVIEW))
        remedy = f"Look at its changes, its licence and who keeps it, and write it into {REVIEW}."
    else:
        found = advisories(["requirements.txt", "requirements-dev.txt"], pip_audit)
        remedy = "Pin versions that are not concerned. Where there is none, pass --ignore-vuln and say why."
    if found is None:
        print(f"Advisories cannot be asked here; what stands is the review in {REVIEW}.")
        return 0
    print("\n".join([*found, remedy]) if found else f"{what}: nothing against what is pinned")
    return 1 if found else 0


def _text(path: str) -> str:
    return (ROOT / path).read_text()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
