"""Tells which errors of sending say that an address will never do."""

from __future__ import annotations

from smtplib import SMTPRecipientsRefused

from anymail.exceptions import AnymailInvalidAddress, AnymailRecipientsRefused

from deferapp import GiveUp


class InvalidAddress(GiveUp):
    """This is no e-mail address."""


def is_final(error: Exception) -> bool:
    """Whether the recipient was refused for good, and not the sender, the content, or everybody for a while."""
    if isinstance(error, SMTPRecipientsRefused):
        # SMTP's 4xx asks to come back later (RFC 5321, section 4.2.1).
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, (InvalidAddress, AnymailInvalidAddress, AnymailRecipientsRefused))
