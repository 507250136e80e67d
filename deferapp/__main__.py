"""`python -m deferapp template` prints the folder of the template that `django-admin startproject --template` takes."""

from __future__ import annotations

import sys
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent / "project_template"


def main(arguments: list[str]) -> str | None:
    """Print the folder; returns what is wrong with the arguments, if something is."""
    if arguments != ["template"]:
        return 'usage: django-admin startproject NAME --template "$(python -m deferapp template)"'
    sys.stdout.write(f"{TEMPLATE}\n")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
