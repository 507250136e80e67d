"""Where in the project's own code an exception came from, so that errors can be told apart by it.

Code is the project's if it is not installed: neither of the standard library, nor in a `site-packages`, nor ours.
Honest limit: two errors of one type in different lines of one function are one.
"""

from __future__ import annotations

import os
import sysconfig
import traceback
from types import FrameType, TracebackType
from typing import Final

LIMIT: Final = 300
"""Characters kept of a place, the last ones, where the function is named."""

_INSTALLED: Final = tuple({f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib")})
_PACKAGES: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def of(frames: TracebackType | None) -> str:
    """`module:function` of the innermost frame of the project; of the innermost of all if none is. "" without any."""
    found = [frame for frame, _ in traceback.walk_tb(frames)]
    innermost = next((frame for frame in reversed(found) if _is_own(frame)), found[-1] if found else None)
    return f"{_module(innermost)}:{innermost.f_code.co_qualname}" if innermost else ""


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))


def _is_own(frame: FrameType) -> bool:
    return not _module(frame).startswith("deferapp.") and not _is_installed(frame.f_code.co_filename)


def _is_installed(path: str) -> bool:
    if path.startswith("<"):  # Generated, as methods of dataclasses are, or frozen.
        return True
    return path.startswith(_INSTALLED) or any(packages in path for packages in _PACKAGES)
