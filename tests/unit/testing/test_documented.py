"""The page about testing: its examples pass, and it names what there is."""

from __future__ import annotations

import inspect
import re
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from deferapp import testing
from tests.unit.conftest import MakePackage

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "testing.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```\n", PAGE, re.MULTILINE | re.DOTALL)
FILES = {match[1]: block for block in BLOCKS if (match := re.match(r"# shop/(\S+)\n", block))}
EXAMPLES = [block for block in BLOCKS if block not in FILES.values()]


@pytest.fixture
def _shop(make_package: MakePackage) -> None:
    make_package("shop", {"defer/__init__.py": "", **FILES})


def found_in(example: str) -> Iterator[Any]:
    """The test functions and test cases of a module of this text."""
    module: dict[str, Any] = {"__name__": "shop.tests"}
    exec(compile(example, "docs/testing.md", "exec"), module)
    for name, value in module.items():
        is_case = inspect.isclass(value) and issubclass(value, unittest.TestCase) and value.__module__ == "shop.tests"
        if name.startswith("test_") or is_case:
            yield value


def run_case(case: type[unittest.TestCase]) -> int:
    result = unittest.TestResult()
    unittest.TestLoader().loadTestsFromTestCase(case).run(result)
    assert [text for _, text in (*result.errors, *result.failures)] == []
    return result.testsRun


@pytest.mark.django_db
@pytest.mark.usefixtures("_shop")
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_each_example_passes(number: int, mailoutbox: list[Any]) -> None:
    ran = 0
    for test in found_in(EXAMPLES[number]):
        mailoutbox.clear()
        ran += run_case(test) if inspect.isclass(test) else run_function(test)
    assert ran


def run_function(test: Any) -> int:
    """In a transaction of its own, as it has by the mark that it bears."""
    from django.contrib.auth.models import User

    from deferapp.models import DueMoment, Execution

    (async_to_sync(test) if inspect.iscoroutinefunction(test) else test)()
    for model in (User, Execution, DueMoment):
        model.objects.all().delete()
    return 1


def test_every_public_name_stands_on_the_page_and_no_other_is_imported() -> None:
    names = set(testing._HOMES)
    assert {name for name in names if f"`{name}" in PAGE} == names
    imported = re.findall(r"from deferapp\.testing import (.+)", PAGE)
    assert {name for line in imported for name in line.split(", ")} <= names
    assert all(getattr(testing, name) for name in names)


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'eager'"):
        _ = testing.eager
    assert set(testing._HOMES) <= set(dir(testing))
