"""Three facts, kept apart: an application is a process, a grant is a right with an end.

(The third, the signature, lives in `portal.licensing`.)
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django_countries import countries

from portal.access.enums import (
    HELD_STATES,
    OPEN_STATES,
    ApplicationState,
    Capability,
    Command,
    DenialKind,
    GrantState,
    ReasonCode,
)
from portal.accounts.models import User
from portal.catalog.models import HostedModel

DECIDED_STATES = (
    ApplicationState.RETURNED,
    ApplicationState.APPROVED,
    ApplicationState.REJECTED,
)


class Application(models.Model):
    """A request for access.

    `draft` is what the applicant has typed so far, valid or not, by form field. Submitting
    writes the answers into their columns, so a reviewer reads what was submitted and never
    half an edit. Name, e-mail and a confirmed ORCID iD are frozen from the account then.
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
    country = models.CharField(max_length=2, blank=True)
    orcid = models.CharField(max_length=19, blank=True)
    is_orcid_verified = models.BooleanField(
        default=False, help_text="ORCID itself confirmed the iD by sign-in."
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
        null=True, blank=True, help_text="When its applicant hears what was decided last."
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
        """Whether a decision was made that its applicant has not been told of yet."""
        return (
            self.state in DECIDED_STATES
            and self.effective_at is not None
            and at < self.effective_at
        )

    def told_state(self, *, at: datetime) -> ApplicationState:
        """The state as far as its applicant has been told: a held decision is still a review."""
        if self.is_held(at=at):
            return ApplicationState.IN_REVIEW
        return ApplicationState(self.state)

    def claimant_at(self, at: datetime) -> User | None:
        """Who has taken it up and still holds it: a claim ends by itself."""
        if self.claimed_by is None or self.claim_ends_at is None or at >= self.claim_ends_at:
            return None
        return self.claimed_by

    @property
    def country_name(self) -> str:
        return str(countries.name(self.country))

    @property
    def capability_names(self) -> list[str]:
        return [str(Capability(use).label) for use in self.capabilities]


class Step(models.Model):
    """One entry of an application's history, as its applicant may read it.

    A step about one of the grants that came of it names that grant. `told_at` says when the
    mail to the applicant was written; from then on a decision is not taken back.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="steps")
    grant = models.ForeignKey(
        "access.Grant", on_delete=models.PROTECT, null=True, blank=True, related_name="steps"
    )
    command = models.CharField(max_length=16, choices=Command.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(blank=True)
    at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.application} {self.command}"


class Ruling(models.Model):
    """What a reviewer decided in one step, and until when it can be taken back.

    `waited` is the time from the submission to this answer. `made_grants` are the ids of the
    grants it gave, `moved_grants` pairs of id and earlier state of those it moved, so that
    taking it back can undo both.
    """

    step = models.OneToOneField(
        Step, on_delete=models.PROTECT, primary_key=True, related_name="ruling"
    )
    reason_code = models.CharField(max_length=32, choices=ReasonCode.choices, blank=True)
    field_notes = models.JSONField(default=dict, blank=True)
    made_grants = models.JSONField(default=list, blank=True)
    moved_grants = models.JSONField(default=list, blank=True)
    waited = models.DurationField()
    made_at = models.DateTimeField()
    effective_at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["made_at"])]

    def __str__(self) -> str:
        return str(self.step)

    def is_told(self, *, at: datetime) -> bool:
        """Whether its applicant knows of it."""
        return self.taken_back_at is None and at >= self.effective_at


class SubmittedVersion(models.Model):
    """An application's answers as they were handed in, by field; never changed afterwards."""

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
    """A reviewer who is out of office until a moment, and who stands in."""

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
    """An entry of the denylist: who is not let in, why, and until when.

    `value` is a domain or an institution's name as `normalise_name` spells it; a person is
    named by `person`. Entries are lifted or run out, and are never deleted.
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


class Endorsement(models.Model):
    """A first reviewer's approval of one submission, where the tier asks for two.

    It is about the text submitted at `submitted_at`: a returned and changed application
    needs a new one.
    """

    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="endorsements"
    )
    submitted_at = models.DateTimeField()
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    models_endorsed = models.ManyToManyField(HostedModel, related_name="+")
    capabilities = ArrayField(models.CharField(max_length=16, choices=Capability.choices))
    ends_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "submitted_at", "reviewer"],
                name="one_endorsement_per_reviewer",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application} endorsed by {self.reviewer}"


class Grant(models.Model):
    """A right to use one model in some ways until a moment."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="grants"
    )
    model = models.ForeignKey(HostedModel, on_delete=models.PROTECT, related_name="grants")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="grants")
    capabilities = ArrayField(models.CharField(max_length=16, choices=Capability.choices))
    state = models.CharField(max_length=16, choices=GrantState.choices, default=GrantState.ACTIVE)
    revision = models.PositiveIntegerField(default=0, help_text="Counts its moves.")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.TextField(blank=True, help_text="Why it was suspended or revoked.")

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="grant_ends_after_start", condition=models.Q(ends_at__gt=models.F("starts_at"))
            ),
            models.UniqueConstraint(
                fields=["user", "model"],
                condition=models.Q(state__in=HELD_STATES),
                name="one_held_grant_per_person_and_model",
            ),
            models.CheckConstraint(
                name="grant_names_capabilities", condition=models.Q(capabilities__len__gt=0)
            ),
        ]
        indexes = [models.Index(fields=["user", "model", "state", "ends_at"])]

    def __str__(self) -> str:
        return f"{self.user} {self.model} until {self.ends_at:%Y-%m-%d}"

    @property
    def capability_names(self) -> list[str]:
        return [str(Capability(use).label) for use in self.capabilities]
