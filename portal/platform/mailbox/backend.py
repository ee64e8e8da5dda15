"""The mail backend of a demo: mail goes into the database and is read in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parseaddr

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from portal.platform.mailbox.models import StoredMail


class MailboxBackend(BaseEmailBackend):
    """Stores each message once for each recipient; nothing leaves the installation."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store the messages and return their number, as Django's backends do."""
        StoredMail.objects.bulk_create(
            StoredMail(
                to=parseaddr(recipient)[1].lower(),
                subject=str(message.subject),
                body=str(message.body),
            )
            for message in email_messages
            for recipient in message.recipients()
        )
        return len(email_messages)
