"""Keeps a model and what it was measured to be worth in one file, `settings.RECOMMENDER_FILE`.

The file is arrays and text in NumPy's format, without pickle, and replaced in one step, so that whoever reads while
another trains gets the old one or the new one. Limit: it is a file of this machine. Where mails are sent on several,
each needs it: train on each, or share the folder.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from django.conf import settings

from marketplace.recommender import NotTrained
from marketplace.recommender.evaluation import Evaluation
from marketplace.recommender.model import Model


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the file holds."""

    model: Model
    evaluation: Evaluation


_cached: tuple[tuple[str, int, int, int], Trained] | None = None
_lock = threading.Lock()


def save(trained: Trained) -> None:
    path = Path(settings.RECOMMENDER_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {field.name: getattr(trained.model, field.name) for field in fields(Model)}
    unfinished = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, **arrays, evaluation=np.array(json.dumps(asdict(trained.evaluation))))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def load() -> Trained:
    """The file's content, read once a process and again when the file has changed. Raises `NotTrained`."""
    global _cached
    path = Path(settings.RECOMMENDER_FILE)
    try:
        now = path.stat()
    except FileNotFoundError:
        raise NotTrained from None
    version = (str(path), now.st_ino, now.st_mtime_ns, now.st_size)
    with _lock:
        if _cached is None or _cached[0] != version:
            _cached = (version, _read(path))
        return _cached[1]


def _read(path: Path) -> Trained:
    with np.load(path, allow_pickle=False) as file:
        arrays = {field.name: file[field.name] for field in fields(Model)}
        evaluation = Evaluation(**json.loads(str(file["evaluation"])))
    return Trained(model=Model(**arrays), evaluation=evaluation)
