"""The files of `deploy/`, and the commands in them."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from pathlib import Path
from typing import Any, Final

from tests.leases import ROOT

DEPLOY: Final = ROOT / "deploy"
ROLES: Final = ("web", "worker", "beat")


def procfile() -> dict[str, str]:
    lines = (DEPLOY / "Procfile").read_text().splitlines()
    return {name: command.strip() for name, _, command in (line.partition(":") for line in lines)}


def unit(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return dict(parser["Service"])


def variables() -> dict[str, str]:
    lines = (DEPLOY / "systemd/shop.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def program(command: str | list[str]) -> str:
    """What a command runs, without where, how loud, and what a place needs besides: `celery -A shop worker`."""
    words = shlex.split(command) if isinstance(command, str) else command
    kept = [Path(words[0]).name, *(word for word in words[1:] if not word.startswith("--"))]
    text = " ".join(kept)
    return re.sub(r" (0\.0\.0\.0|127\.0\.0\.1):\S+", "", text)


def docker_commands() -> list[list[str]]:
    text = (DEPLOY / "Dockerfile").read_text()
    return [json.loads(line) for line in re.findall(r"^(?:CMD|ENTRYPOINT) (.*)$", text, flags=re.MULTILINE)]


def of_containers(document: Any) -> list[list[str]]:
    """Every `command` of a list of words, and those of probes, anywhere in a Kubernetes resource."""
    if isinstance(document, list):
        return [each for part in document for each in of_containers(part)]
    if not isinstance(document, dict):
        return []
    own = [document["command"]] if isinstance(document.get("command"), list) else []
    return own + [each for part in document.values() for each in of_containers(part)]
