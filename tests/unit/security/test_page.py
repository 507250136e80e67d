"""SECURITY.md says what there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from deferapp import conf
from deferapp.dispatch import message
from deferapp.workers import reception
from tests.unit.test_docs import EXAMPLE, code

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "SECURITY.md").read_text()


def test_what_it_refers_to_exists() -> None:
    files = re.findall(r"\]\(([\w./-]+\.md)\)", PAGE) + re.findall(r"`(deferapp/[\w/]+\.py|bin/\w+)`", PAGE)
    assert len(files) > 4
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert set(re.findall(r'DEFER\["(\w+)"\]', PAGE)) <= set(conf.KEYS)
    assert all(f'"{id}"' in code() for id in re.findall(r"deferapp\.[EW]\d{3}", PAGE))
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= headings


def test_its_numbers_are_those_of_the_code() -> None:
    assert "Up to 1 MiB and 10,000 ids" in PAGE
    assert (reception.MOST_BYTES, message.MOST_IDS) == (1024 * 1024, 10_000)


def test_its_examples_are_python() -> None:
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == 2
    for example in examples:
        ast.parse(example)


def test_it_is_linked_and_tells_no_address_of_ours() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        assert "(SECURITY.md)" in (ROOT / name).read_text()
    assert "@example" not in PAGE
    assert not re.search(r"[\w.]+@[\w-]+\.\w+", PAGE)
