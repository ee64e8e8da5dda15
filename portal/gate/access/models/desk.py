"""What reviewers record besides applications: absences, denials, merged accounts."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.gate.access.enums import (
    DenialKind,
)


class AccountMerge(models.Model):
    """Two accounts found to be one person's: `merged` is closed, and nothing of it is deleted."""

    kept = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="merges"
    )
    merged = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="merged_into"
    )
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]
        constraints = [
            models.CheckConstraint(
                name="merge_of_two_accounts", condition=~models.Q(kept=models.F("merged"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.merged} into {self.kept}"


class Absence(models.Model):
    """A reviewer who is out of office until a moment, and their deputy."""

    reviewer = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="absence"
    )
    until = models.DateTimeField()
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    def __str__(self) -> str:
        return f"{self.reviewer} until {self.until:%Y-%m-%d}"


class Denial(models.Model):
    """An entry of the denylist: who is refused, why, and until when.

    `value` is a domain or an institution's name as `normalise_name` spells it; a person is
    named by `person`. Entries are lifted or expire; they are never deleted.
    """

    kind = models.CharField(max_length=16, choices=DenialKind.choices)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="denials",
    )
    value = models.CharField(max_length=200, blank=True)
    reason = models.TextField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    appeal = models.TextField(blank=True)
    appealed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    appealed_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lift_note = models.TextField(blank=True)

    class Meta:
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="denial_names_somebody",
                condition=models.Q(kind=DenialKind.PERSON, person__isnull=False, value="")
                | (
                    models.Q(kind__in=[DenialKind.DOMAIN, DenialKind.ENTITY], person=None)
                    & ~models.Q(value="")
                ),
            ),
            models.CheckConstraint(
                name="denial_ends_after_start", condition=models.Q(ends_at__gt=models.F("made_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.named}"

    @property
    def named(self) -> str:
        """The domain, the institution or the person's address."""
        return self.value or str(self.person)
