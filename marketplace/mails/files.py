"""An e-mail backend that writes each message to a file of its own, which mail programs open: `EMAIL_FILE_PATH/….eml`.

The file is named after the Message-ID. So what has the same Message-ID, because it was sent once more after a crash,
replaces the first, as it would in a mailbox that knows duplicates.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from email.message import Message
from pathlib import Path

from django.core.mail import EmailMessage
from django.core.mail.backends import filebased


class EmailBackend(filebased.EmailBackend):
    """Django's checks of the folder, with a file a message in place of a log a connection."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for email in email_messages:
            self._write(email.message())
        return len(email_messages)

    def _write(self, message: Message) -> None:
        name = re.sub(r"[^\w.+-]", "_", str(message["Message-ID"]).strip("<>").rpartition("@")[0])
        path = Path(self.file_path) / f"{name}.eml"
        unfinished = path.with_name(f".{name}.{os.getpid()}-{threading.get_ident()}")
        unfinished.write_bytes(message.as_bytes())
        unfinished.replace(path)
