"""Renewals of grants, with reports and decisions, and what follows the end of a grant."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.gate.access.models import Claimable, Grant
from portal.gate.renewals.enums import OPEN_STATES, RenewalCommand, RenewalState


class Renewal(Claimable, models.Model):
    """A request to extend grants, with a report on what was done so far.

    The grants keep their old end whatever the decision. `ends_at` is the new end once it is
    approved.
    """

    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="renewals"
    )
    grants = models.ManyToManyField(Grant, related_name="renewals")
    state = models.CharField(
        max_length=16, choices=RenewalState.choices, default=RenewalState.DRAFT
    )
    revision = models.PositiveIntegerField(default=0, help_text="The number of commands so far.")
    submitted_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="renewal_claims",
    )
    claim_ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["holder"],
                condition=models.Q(state__in=OPEN_STATES),
                name="one_open_renewal_per_person",
            ),
            models.CheckConstraint(
                name="renewal_submitted_at",
                condition=models.Q(state=RenewalState.DRAFT) | models.Q(submitted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="renewal_approved_until",
                condition=~models.Q(state=RenewalState.APPROVED) | models.Q(ends_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["state", "submitted_at"])]

    def __str__(self) -> str:
        return f"renewal {self.pk}"


class Report(models.Model):
    """What a holder submitted; never changed: a second one follows a return."""

    renewal = models.ForeignKey(Renewal, on_delete=models.PROTECT, related_name="reports")
    number = models.PositiveIntegerField()
    progress = models.TextField()
    outputs = models.TextField()
    is_noncommercial = models.BooleanField()
    incidents = models.TextField()
    handed_in_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["renewal", "number"], name="one_report_per_renewal_and_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.renewal} report {self.number}"


class RenewalStep(models.Model):
    """One entry of a renewal's history; `ends_at` is the end that was approved or endorsed."""

    renewal = models.ForeignKey(Renewal, on_delete=models.PROTECT, related_name="steps")
    command = models.CharField(max_length=16, choices=RenewalCommand.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    note = models.TextField(blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.renewal} {self.command}"


class EndNotice(models.Model):
    """A holder was notified of an end: `days_left` days before it, or with 0 when it came.

    It is about one end of one grant: a renewed grant gets warnings of its new end.
    """

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="end_notices")
    ends_at = models.DateTimeField()
    days_left = models.PositiveSmallIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["grant", "ends_at", "days_left"], name="one_notice_of_an_end"
            )
        ]

    def __str__(self) -> str:
        return f"{self.grant}: {self.days_left} days left"


class Statement(models.Model):
    """A holder's statement that the weights and every copy of them are destroyed."""

    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="statement")
    legal_name = models.CharField(max_length=200)
    destroyed_on = models.DateField()
    remarks = models.TextField(blank=True)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return f"{self.grant}: destroyed on {self.destroyed_on}"


class StatementRequest(models.Model):
    """A former holder was asked for their statement: by a reviewer, or automatically."""

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="statement_requests")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.grant} asked at {self.at:%Y-%m-%d}"
