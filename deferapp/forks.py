"""Locks of modules whose threads go on while a pool forks: a child must not inherit one that is held."""

from __future__ import annotations

import os
from collections.abc import Callable


def in_child(renew: Callable[[], None]) -> None:
    """Call `renew` in each child that is forked from now on, before anything else; nothing where nothing forks."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)
