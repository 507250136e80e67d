"""A limit on the memory of processes, where this machine lets us set one: by a control group, version 1 or 2."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_ROOTS = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
# In the order in which they must be set; the last is about swap alone.
_LIMITS = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max", "memory.swap.max")


def can_be_limited() -> bool:
    with contextlib.suppress(OSError), limited(megabytes=1):
        return True
    return False


@contextlib.contextmanager
def limited(*, megabytes: int) -> Iterator[list[str]]:
    """Give the command inside of which another has so much memory and no swap. Raises `OSError` where it cannot be."""
    group = _make_group()
    try:
        for name in filter(lambda name: (group / name).exists(), _LIMITS):
            (group / name).write_text("0" if "swap" in name else str(megabytes * 1024 * 1024))
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def _make_group() -> Path:
    for root in _ROOTS:
        group = root / f"deferapp-tests-{os.getpid()}"
        with contextlib.suppress(OSError):
            group.mkdir()
            if any((group / name).exists() for name in _LIMITS):
                return group
            group.rmdir()
    raise OSError("No control group of ours can limit memory")
