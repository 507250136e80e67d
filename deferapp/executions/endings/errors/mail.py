"""Refusals of mail servers and providers, as smtplib and django-anymail raise them.

By SMTP (RFC 5321, section 4.2.1) a code of 5xx is a permanent refusal and one of 4xx a passing one. A permanent one
ends the execution if it is about the message: its sender, its recipients, its content. If it is about the connection
or the login, the next message would be refused as well, until somebody sees to it: that is worth the retries.
"""

from __future__ import annotations

from typing import Any, Final, cast

from deferapp.executions.endings.errors import http
from deferapp.executions.endings.errors.libraries import is_a
from deferapp.executions.endings.errors.verdict import PERMANENT, TRANSIENT, Verdict

ABOUT_LOGIN: Final = frozenset({530, 534, 535, 538})
"""Login required, too weak, wrong, or unencrypted (RFC 4954, section 6): servers say so to MAIL FROM as well."""


def verdict(error: BaseException) -> Verdict | None:
    """What the error says; None if it is not about mail."""
    raised = cast("Any", error)
    if is_a(error, "smtplib.SMTPRecipientsRefused"):
        # While one of the recipients may still be reached, the message is worth another attempt.
        codes = [code for code, _ in raised.recipients.values()]
        return PERMANENT if codes and all(map(_is_final, codes)) else TRANSIENT
    if is_a(error, "smtplib.SMTPSenderRefused", "smtplib.SMTPDataError"):
        return PERMANENT if _is_final(raised.smtp_code) else TRANSIENT
    if is_a(error, "anymail.exceptions.AnymailRecipientsRefused", "anymail.exceptions.AnymailInvalidAddress"):
        return PERMANENT
    if is_a(error, "anymail.exceptions.AnymailAPIError"):
        return http.of_answer(raised.status_code, getattr(raised.response, "headers", None))
    return TRANSIENT if is_a(error, "smtplib.SMTPException") else None


def _is_final(code: int) -> bool:
    return 500 <= code < 600 and code not in ABOUT_LOGIN
