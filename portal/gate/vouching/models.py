"""Who was asked to speak for an applicant, and domains whose official speaks for all."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models

from portal.gate.access.models import Application
from portal.gate.vouching.enums import LIVE_STATES, Answer, DomainState, RequestState, VouchKind
from portal.platform.notices.models import Notice


class VouchRequest(models.Model):
    """One person asked about one application, by a link that is theirs alone.

    `digest` is the SHA-256 of the link's token, the only trace of it that is kept. `serial`
    counts the links: a new one ends the one before. Name, address and text are personal data
    of the person who was asked; `erased_at` says when they were erased.
    """

    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="vouch_requests"
    )
    kind = models.CharField(max_length=16, choices=VouchKind.choices)
    state = models.CharField(
        max_length=16, choices=RequestState.choices, default=RequestState.NAMED
    )
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    institution = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    serial = models.PositiveSmallIntegerField(default=0)
    named_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    notice = models.ForeignKey(
        Notice, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    answer = models.CharField(max_length=16, choices=Answer.choices, blank=True)
    text = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["named_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "kind"],
                condition=models.Q(state__in=LIVE_STATES),
                name="one_live_vouch_request_per_kind",
            ),
            models.CheckConstraint(
                name="vouch_request_answered_whole",
                condition=~models.Q(state=RequestState.ANSWERED)
                | (~models.Q(answer="") & models.Q(answered_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="vouch_request_names_somebody",
                condition=models.Q(erased_at__isnull=False)
                | (~models.Q(name="") & ~models.Q(email="")),
            ),
        ]
        indexes = [models.Index(fields=["state", "sent_at"], name="vouch_request_waiting")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.application}"

    def is_expired(self, *, at: datetime) -> bool:
        """Whether the link that was sent last has expired."""
        return (
            self.state == RequestState.ASKED
            and self.expires_at is not None
            and at >= self.expires_at
        )


class AuthorisedDomain(models.Model):
    """A domain whose signing official speaks for everybody with an address there, for a year.

    It is in force once a reviewer has confirmed it, until `ends_at`, unless the official or a
    reviewer withdraws it earlier. It gives no access: it is a fact that reviewers see.
    """

    domain = models.CharField(max_length=253)
    request = models.ForeignKey(VouchRequest, on_delete=models.PROTECT, related_name="domains")
    state = models.CharField(
        max_length=16, choices=DomainState.choices, default=DomainState.PROPOSED
    )
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty if the official did it.",
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="Why a reviewer declined or withdrew it.")

    class Meta:
        ordering = ["-proposed_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="confirmed_domain_has_end",
                condition=~models.Q(state=DomainState.CONFIRMED)
                | (models.Q(ends_at__isnull=False) & models.Q(decided_by__isnull=False)),
            ),
            models.UniqueConstraint(
                fields=["domain"],
                condition=models.Q(state=DomainState.PROPOSED),
                name="one_proposal_per_domain",
            ),
        ]

    def __str__(self) -> str:
        return self.domain

    def is_in_force(self, *, at: datetime) -> bool:
        return self.state == DomainState.CONFIRMED and bool(self.ends_at) and at < self.ends_at  # type: ignore[operator]
