"""The wheel and the sdist hold what belongs there, and say of themselves what is so."""

from __future__ import annotations

import email
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from trove_classifiers import classifiers, deprecated_classifiers

import deferapp
from tests.leases import ROOT
from tests.packaging.environments import extras, project_table

pytestmark = pytest.mark.xdist_group("packaging")


@pytest.fixture(scope="session")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def sources(dist: Path) -> set[str]:
    """The files of the app that were there to be built."""
    return {str(path.relative_to(dist.parent)) for path in (dist.parent / "deferapp").rglob("*") if path.is_file()}


def test_the_wheel_holds_every_file_of_the_app_and_nothing_else(dist: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert files == sources(dist)
    kinds = {Path(name).suffix for name in files}
    assert {".html", ".css", ".js", ".mo", ".po", ".typed", ".py-tpl"} <= kinds
    assert any(name.startswith("deferapp/migrations/0001") for name in files)


def test_the_sdist_builds_the_same_and_brings_licence_and_readme(dist: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        files = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    assert sources(dist) | {"LICENSE", "README.md", "pyproject.toml"} <= files
    assert not [name for name in files if name.startswith(("tests/", "marketplace/", "benchmarks/"))]


def test_the_version_is_that_of_the_code(metadata: Message, wheel: Path) -> None:
    assert metadata["Version"] == deferapp.__version__
    assert wheel.name == f"deferapp-{deferapp.__version__}-py3-none-any.whl"


def test_the_licence_is_named_as_spdx_and_its_text_goes_along(metadata: Message, wheel: Path) -> None:
    assert metadata["License-Expression"] == "MIT"
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        assert archive.read(name) == (ROOT / "LICENSE").read_bytes()


def test_every_classifier_exists_and_says_what_is_supported(metadata: Message) -> None:
    said = set(metadata.get_all("Classifier", []))
    assert said <= classifiers - set(deprecated_classifiers)
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13)} <= said
    assert {f"Framework :: Django :: {version}" for version in ("5.2", "6.0")} <= said
    assert metadata["Requires-Python"] == project_table()["requires-python"]


def test_every_extra_is_offered_and_pins_nothing_exactly(metadata: Message) -> None:
    assert set(metadata.get_all("Provides-Extra", [])) == set(extras())
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    assert not [str(each) for each in requirements if any(one.operator == "==" for one in each.specifier)]
    assert not [str(each) for each in requirements if not each.specifier]
