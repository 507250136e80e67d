"""Recognising errors of libraries that may not be installed, without importing them.

An exception of a library can only have been raised if the library has been imported already.
"""

from __future__ import annotations

import sys


def is_a(error: BaseException, *kinds: str) -> bool:
    """Whether the error is an instance of one of these classes, named by module and class: `smtplib.SMTPDataError`."""
    return any(isinstance(error, kind) for name in kinds if (kind := _loaded(name)))


def _loaded(name: str) -> type[BaseException] | None:
    module, _, attribute = name.rpartition(".")
    kind = getattr(sys.modules.get(module), attribute, None)
    return kind if isinstance(kind, type) else None
