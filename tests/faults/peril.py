"""What a test of faults says to `tests.peril`, the app that kills and freezes pool children at a statement."""

from __future__ import annotations

from pathlib import Path

from tests.processes import Project


class Peril:
    """Where the next pool child of a project comes to harm. To be made before its workers are started."""

    def __init__(self, project: Project) -> None:
        project.settings["EXTRA_APPS"] = ["tests.peril"]
        self._file = Path(f"{project.witness.path}.peril")

    def put(self, signal_name: str, statement: int, words: str = "") -> None:
        """Let it get the signal before this statement from now on, counted from 1, of those with the words in them."""
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{signal_name} {statement} {words}")
        beside.rename(self._file)

    @property
    def is_over(self) -> bool:
        """Whether somebody has come to harm since it was put."""
        return not self._file.exists()

    def remove(self) -> None:
        self._file.unlink()
