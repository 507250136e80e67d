"""`docs/operations.md` lists what the doctor may find: all of it, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from deferapp.health.finding import Severity

ROOT = Path(__file__).resolve().parents[3]
FOUND = re.compile(r'(?:yield|return) (error|warning|note|find)\(\s*"(D\d{3})"')
ROW = re.compile(r"^\| `(D\d{3})` \| (\w+) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def in_code() -> set[tuple[str, str]]:
    source = "\n".join(path.read_text() for path in sorted((ROOT / "deferapp/health").glob("*.py")))
    assert set(re.findall(r'"(D\d{3})"', source)) == {id for _, id in FOUND.findall(source)}
    return {(id, severity) for severity, id in FOUND.findall(source)}


def test_every_finding_stands_in_the_operations_page_with_severity_and_remedy_and_no_other_does() -> None:
    rows = ROW.findall((ROOT / "docs/operations.md").read_text())
    documented = {id: severity for id, severity, what, remedy in rows if what and remedy}
    assert list(documented) == sorted(documented), "in order"
    assert set(documented) == {id for id, _ in in_code()}
    for id, severity in in_code():
        assert severity in (documented[id], "find"), f"{id} is said to be a {documented[id]}"
    assert set(documented.values()) <= set(Severity)


def test_no_page_speaks_of_a_finding_that_there_is_not() -> None:
    text = "\n".join(path.read_text() for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
    assert set(re.findall(r"\bD0\d\d\b", text)) <= {id for id, _ in in_code()}
