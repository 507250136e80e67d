"""Mail, by Django's API: so by whatever provider the project uses.

A mail that is sent once more because nobody knows whether it has left has the same Message-ID, by which mail programs
know a second copy.
"""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from deferapp.alerts.channels.answer import Answer
from deferapp.alerts.channels.channel import ADMINS, Channel
from deferapp.alerts.message import Message

TIMEOUT_SECONDS: Final = 5
_SUBJECT_LENGTH: Final = 150


def send(channel: Channel, message: Message, _thread: str = "") -> Answer:
    recipients = _admins() if channel.target == ADMINS else list(channel.target)
    if not recipients:
        return Answer(error="settings.ADMINS is empty", needs_a_person=True)
    subject = " ".join(message.header.split())[:_SUBJECT_LENGTH]
    mail = EmailMessage(
        subject=f"{settings.EMAIL_SUBJECT_PREFIX}{subject}",
        body=message.as_text(),
        from_email=settings.SERVER_EMAIL,
        to=recipients,
        headers={"Message-ID": _message_id(message)} if message.delivery_id else {},
        connection=get_connection(**_limits()),
    )
    mail.send()
    return Answer()


def _admins() -> list[str]:
    """The addresses of `ADMINS`: pairs with a name, or since Django 6.0 addresses alone."""
    return [each if isinstance(each, str) else each[1] for each in settings.ADMINS]


def _limits() -> dict[str, Any]:
    """Without a limit of the project's own, Django's SMTP waits for ever."""
    is_smtp = settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend"
    return {"timeout": TIMEOUT_SECONDS} if is_smtp and settings.EMAIL_TIMEOUT is None else {}


def _message_id(message: Message) -> str:
    domain = parseaddr(settings.SERVER_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<deferapp-alert-{message.delivery_id}@{domain}>"
