"""The outbox: one row for each mail to each person, also shown as a notice on the site."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.platform.notices.enums import NoticeState

UNSENT = (NoticeState.QUEUED, NoticeState.SENDING)


class Notice(models.Model):
    """One message to one recipient.

    `recipient` is empty for somebody without an account; `address` is where the mail goes,
    or went. Subject and text are empty until the notice is due and composed.
    `state` changes only in `notices.domain`.
    """

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="notices"
    )
    address = models.EmailField(blank=True)
    kind = models.CharField(max_length=64)
    about = models.CharField(max_length=128, blank=True, help_text="Like an audit event's subject.")
    composer = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict, help_text="Input for the composer; no personal data.")
    subject = models.CharField(max_length=998, blank=True)
    body = models.TextField(blank=True)
    state = models.CharField(max_length=16, choices=NoticeState.choices, default=NoticeState.QUEUED)
    is_digest = models.BooleanField(default=False, help_text="Sent with the next digest.")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="Not sent before this time; each failed try moves it.")
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=128, blank=True, help_text="The class of the error.")
    sent_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="notice_unsent",
                condition=models.Q(state__in=UNSENT),
            ),
            models.Index(fields=["recipient", "-id"], name="notice_of_recipient"),
            models.Index(fields=["about"], name="notice_about"),
        ]
        constraints = [
            models.CheckConstraint(
                name="notice_sent_at_when_sent",
                condition=~models.Q(state=NoticeState.SENT) | models.Q(sent_at__isnull=False),
            ),
            models.CheckConstraint(
                name="notice_has_recipient",
                condition=models.Q(recipient__isnull=False) | ~models.Q(address=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"


class MailPreference(models.Model):
    """How a reviewer gets mail about work: without a row, immediately."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mail_preference"
    )
    is_digest = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.user_id}: {'digest' if self.is_digest else 'immediately'}"
