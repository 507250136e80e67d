"""The database with which each demo begins: loaded once, kept, and copied for every run.

What is kept is made anew when the code that makes it has changed: the base with the loader or a table, the
recommender's file with the recommender. For SQLite alone, where a database is a file.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from marketplace.recommender.refresh import refresh

Step = Callable[[str], None]
"""Is told what begins now."""

_HERE: Final = Path(__file__).resolve().parent.parent
_TABLES_OF: Final = ("marketplace", "deferapp")


def start_fresh(folder: Path, step: Step) -> None:
    """Leave a database with the data set in `folder` and nothing else, a trained recommender, and no mails."""
    database = Path(settings.DATABASES["default"]["NAME"])
    base = database.with_name("base.sqlite3")
    _remove_mails()
    _once(base, _data_fingerprint(folder), lambda: _make_base(folder, database, base, step))
    _remove(database)
    shutil.copyfile(base, database)
    model = Path(settings.RECOMMENDER_FILE)
    _once(model, _model_fingerprint(folder), lambda: _train(step))


def _once(made: Path, fingerprint: str, make: Callable[[], None]) -> None:
    """Make the file unless it is there and its stamp beside it says that it was made of the same."""
    stamp = made.with_name(f"{made.name}.made-of")
    if made.exists() and stamp.exists() and stamp.read_text() == fingerprint:
        return
    stamp.unlink(missing_ok=True)
    make()
    stamp.write_text(fingerprint)


def _make_base(folder: Path, database: Path, base: Path, step: Step) -> None:
    _remove(database)
    _remove(base)
    step("Making the database")
    call_command("migrate", verbosity=0)
    call_command("load_purchases", folder=folder)
    # The log beside the file has to be written into it before the file alone is copied.
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()
    shutil.copyfile(database, base)


def _train(step: Step) -> None:
    step("Training the recommender, and measuring it")
    refresh()


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _remove_mails() -> None:
    for mail in Path(settings.EMAIL_FILE_PATH).glob("*.eml"):
        mail.unlink()


def _data_fingerprint(folder: Path) -> str:
    files = sorted(folder.glob("*.parquet"))
    contents = [f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
    code = [_HERE / "dataset", *(Path(apps.get_app_config(app).path) / "migrations" for app in _TABLES_OF)]
    return _fingerprint(code, *contents, version("django-celery-beat"), version("django"))


def _model_fingerprint(folder: Path) -> str:
    return _fingerprint([_HERE / "recommender"], _data_fingerprint(folder), version("implicit"))


def _fingerprint(code: Iterable[Path], *words: str) -> str:
    digest = hashlib.sha256("\n".join(words).encode())
    for file in sorted(file for folder in code for file in folder.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
