"""Mail that fails for some, as mail does: for most of them once, for every fifth for good. For `manage.py demo --fail`.

Who fails follows from the address, so that each run fails the same.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage

from marketplace.mails import files

FOR_GOOD: Final = 0.2
"""The share of those that fail whose address is refused."""
_lock = threading.Lock()
_failed_once: set[str] = set()


def share(text: str) -> float:
    """`5%` or `0.05`. Raises `ValueError`."""
    value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 <= value <= 1:
        raise ValueError(f"{text} is no share: from 0% to 100%")
    return value


def begin(share: float) -> None:
    """Let this share of all mails fail from now on."""
    settings.DEMO_FAILING = share
    settings.EMAIL_BACKEND = f"{__name__}.EmailBackend"
    # Nobody who watches wants to wait for the half minute after which a failed attempt is usually made again.
    settings.DEFER = {**settings.DEFER, "RETRY": {"initial_interval": 2.0}}


class EmailBackend(files.EmailBackend):
    """Writes files, or raises what smtplib raises."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for email in email_messages:
            self._fail(email.to[0], str(email.extra_headers["Message-ID"]))
        return super().send_messages(email_messages)

    def _fail(self, address: str, message_id: str) -> None:
        luck = zlib.crc32(address.encode()) / 2**32
        if luck < settings.DEMO_FAILING * FOR_GOOD:
            raise SMTPRecipientsRefused({address: (550, b"5.1.1 The email account does not exist")})
        if luck < settings.DEMO_FAILING and self._is_first(message_id):
            raise SMTPServerDisconnected("Connection unexpectedly closed")

    def _is_first(self, message_id: str) -> bool:
        with _lock:
            is_first = message_id not in _failed_once
            _failed_once.add(message_id)
            return is_first
