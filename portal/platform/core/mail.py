"""Mail by SMTP, with a deadline for the whole conversation and not only for each line."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Sequence
from typing import Any, Final

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from portal.platform.core.deadlines import Deadline, watch

MAIL_SECONDS: Final = 60.0


class EmailBackend(smtp.EmailBackend):
    """Django's backend, with a deadline for all messages that are sent together."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _WatchedSmtp

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Return the number of mails sent; raises `DeadlineExceededError` after MAIL_SECONDS."""
        with Deadline(MAIL_SECONDS):
            return super().send_messages(email_messages)


class _WatchedSmtp(smtplib.SMTP):
    def _get_socket(self, *args: Any) -> socket.socket:
        return watch(super()._get_socket(*args))  # type: ignore[misc]
