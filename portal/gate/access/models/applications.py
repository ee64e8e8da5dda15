"""An application, its answers and its history."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django_countries import countries

from portal.gate.access.enums import (
    OPEN_STATES,
    ApplicationState,
    Capability,
    Command,
    Sector,
)
from portal.gate.access.models.claims import Claimable
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User

DECIDED_STATES = (
    ApplicationState.RETURNED,
    ApplicationState.APPROVED,
    ApplicationState.REJECTED,
)


class ApplicationQuerySet(models.QuerySet["Application"]):
    """Applications by whose they are."""

    def newest_of(self, user: User) -> Application | None:
        """The person's newest application, the one that their pages are about."""
        return self.filter(applicant=user).order_by("-created_at", "-id").first()


class Application(Claimable, models.Model):
    """A request for access.

    `draft` is what the applicant has typed so far, valid or not, by form field. Submitting
    copies the answers into their columns, so that a reviewer never reads a half-finished edit.
    It also copies the name, e-mail address and confirmed ORCID iD from the account.
    """

    applicant = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="applications"
    )
    state = models.CharField(
        max_length=16, choices=ApplicationState.choices, default=ApplicationState.DRAFT
    )
    revision = models.PositiveIntegerField(default=0, help_text="Counts its moves.")
    case_number = models.CharField(max_length=16, unique=True)
    draft = models.JSONField(default=dict, blank=True)
    affiliation = models.CharField(max_length=200, blank=True)
    position = models.CharField(max_length=200, blank=True)
    sector = models.CharField(max_length=16, choices=Sector.choices, blank=True)
    country = models.CharField(max_length=2, blank=True)
    connection_country = models.CharField(
        max_length=2, blank=True, help_text="The country of the connection, from a trusted proxy."
    )
    orcid = models.CharField(max_length=19, blank=True)
    is_orcid_verified = models.BooleanField(
        default=False, help_text="ORCID confirmed the iD when the applicant signed in there."
    )
    homepage = models.TextField(blank=True)
    intended_use = models.TextField(blank=True)
    models_wanted = models.ManyToManyField(HostedModel, blank=True, related_name="applications")
    capabilities = ArrayField(
        models.CharField(max_length=16, choices=Capability.choices), default=list, blank=True
    )
    data_handling = models.TextField(blank=True)
    others_with_access = models.TextField(blank=True)
    applicant_name = models.CharField(max_length=200, blank=True)
    applicant_email = models.EmailField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    saved_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    effective_at = models.DateTimeField(
        null=True, blank=True, help_text="When the applicant is notified of the last decision."
    )
    appealed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="claims",
    )
    claim_ends_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="When the applicant's texts were erased."
    )

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["applicant"],
                condition=models.Q(state__in=OPEN_STATES),
                name="one_open_application_per_person",
            ),
            models.CheckConstraint(
                name="application_submitted_at",
                condition=models.Q(state__in=[ApplicationState.DRAFT, ApplicationState.WITHDRAWN])
                | models.Q(submitted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="application_submitted_whole",
                condition=models.Q(state__in=[ApplicationState.DRAFT, ApplicationState.WITHDRAWN])
                | (
                    ~models.Q(applicant_name="")
                    & ~models.Q(applicant_email="")
                    & ~models.Q(affiliation="")
                    & ~models.Q(country="")
                    & ~models.Q(intended_use="")
                    & models.Q(capabilities__len__gt=0)
                ),
            ),
        ]
        indexes = [models.Index(fields=["state", "submitted_at"])]

    def __str__(self) -> str:
        return self.case_number

    def is_held(self, *, at: datetime) -> bool:
        """Whether the applicant has not yet been notified of a decision."""
        return (
            self.state in DECIDED_STATES
            and self.effective_at is not None
            and at < self.effective_at
        )

    def visible_state(self, *, at: datetime) -> ApplicationState:
        """The state as the applicant knows it: while a decision is held, `IN_REVIEW`."""
        if self.is_held(at=at):
            return ApplicationState.IN_REVIEW
        return ApplicationState(self.state)

    @property
    def country_name(self) -> str:
        return str(countries.name(self.country))

    @property
    def capability_names(self) -> list[str]:
        return [str(Capability(use).label) for use in self.capabilities]


class Step(models.Model):
    """One entry of an application's history, as its applicant may read it.

    A step about one of its grants names that grant; a step of the system has no actor.
    `told_at` is when the mail to the applicant was written; after that, a decision cannot be
    taken back.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="steps")
    grant = models.ForeignKey(
        "access.Grant", on_delete=models.PROTECT, null=True, blank=True, related_name="steps"
    )
    command = models.CharField(max_length=16, choices=Command.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    note = models.TextField(blank=True)
    at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.application} {self.command}"


class SubmittedVersion(models.Model):
    """An application's answers as they were submitted, by field; never changed afterwards."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    answers = models.JSONField()
    submitted_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "number"], name="one_submitted_version_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.application} version {self.number}"
