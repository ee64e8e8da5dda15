"""The rows can be rebuilt from the audit log after any history."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.desk.claims import (
    claim_application,
    hand_over_application,
    release_application,
)
from portal.gate.access.domain.numbers.reconcile import find_differences, read_rows
from portal.gate.access.domain.process.applications import (
    Answers,
    open_draft,
    submit_application,
    withdraw_application,
)
from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.reopening import appeal_decision, reopen_application
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.domain.rights.duration import extend_grants, give_grant_back
from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant, suspend_grant
from portal.gate.access.enums import Capability
from portal.gate.access.models import Application, Grant
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.gate.licensing.domain.signing import sign_licence
from portal.gate.licensing.enums import Capacity
from portal.gate.licensing.models import Signature
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db
STEPS = 100


def decide(application: Application, by: User, rng: random.Random) -> None:
    match rng.randrange(6):
        case 0:
            return_application(application, by=by, note="More.")
        case 1:
            reject_application(application, by=by, reason="No.")
        case _:
            approve_application(
                application,
                by=by,
                models=list(application.models_wanted.all()),
                capabilities=[Capability.PLAYGROUND],
                ends_at=timezone.now() + timedelta(days=rng.randint(1, 300)),
            )


def handle(application: Application, by: User, others: list[User], rng: random.Random) -> None:
    """Steps of the reviewers, and reconsidered decisions."""
    match rng.randrange(6):
        case 0:
            claim_application(application, by=by)
        case 1:
            claim_application(application, by=by)
            hand_over_application(application, by=by, to=rng.choice(others))
        case 2:
            release_application(application, by=by)
        case 3:
            reopen_application(application, by=by, reason="A mistake.")
        case 4:
            appeal_decision(application, by=application.applicant, text="Read it again.")
        case _:
            take_back_decision(application, by=by)


def act_as_applicant(
    person: User, models: list[HostedModel], make: Callable[..., Answers], rng: random.Random
) -> None:
    draft = open_draft(person)
    if rng.random() < 0.1:
        withdraw_application(draft, by=person)
        return
    chosen = tuple(rng.sample(models, rng.randint(1, 2)))
    submit_application(draft, by=person, answers=make(models=chosen))


def act_as_reviewer(by: User, others: list[User], rng: random.Random) -> None:
    cases, grants = list(Application.objects.order_by("pk")), list(Grant.objects.order_by("pk"))
    if cases and rng.random() < 0.5:
        decide(rng.choice(cases), by, rng)
    elif cases and rng.random() < 0.6:
        handle(rng.choice(cases), by, others, rng)
    elif grants:
        change_grant(rng.choice(grants), by, rng)


def change_grant(grant: Grant, by: User, rng: random.Random) -> None:
    """By a reviewer, by its holder, or by a renewal."""
    match rng.randrange(5):
        case 0:
            give_grant_back(grant, by=grant.user)
        case 1:
            extend_grants([grant], by=by, ends_at=grant.ends_at + timedelta(days=1))
        case _:
            change = rng.choice([suspend_grant, resume_grant, revoke_grant])
            change(grant, by=by, reason="So.")


@pytest.mark.parametrize("seed", range(6))
def test_random_histories_are_rebuilt_from_their_events(
    seed: int, model: HostedModel, answers: Callable[..., Answers], settings: Settings
) -> None:
    # Half of the histories have no hold, half hold every decision.
    settings.DECISION_HOLD_SECONDS = 600 * (seed % 2)
    rng = random.Random(seed)
    models = [model, HostedModelFactory.create(tier=Tier.TWO_REVIEWERS, release=model.release)]
    version = model.release.licence.versions.get()
    people = [UserFactory.create() for _ in range(3)]
    reviewers = [UserFactory.create(is_reviewer=True) for _ in range(3)]
    for person in people:
        sign_licence(person, version=version, legal_name="Full Name", capacity=Capacity.SELF)

    for _ in range(STEPS):
        with suppress(DomainError):
            if rng.random() < 0.4:
                act_as_applicant(rng.choice(people), models, answers, rng)
            else:
                act_as_reviewer(rng.choice(reviewers), reviewers, rng)

    rows = read_rows()
    assert (len(rows.signatures), len(rows.cases) > 2, len(rows.grants) > 0) == (3, True, True)
    assert find_differences() == []


def test_a_hand_over_keeps_its_state_in_the_log(
    signed_applicant: User, reviewer: User, answers: Callable[..., Answers]
) -> None:
    application = open_draft(signed_applicant)
    submit_application(application, by=signed_applicant, answers=answers())
    claim_application(application, by=reviewer)
    hand_over_application(application, by=reviewer, to=UserFactory.create(is_reviewer=True))
    signature = Signature.objects.get()  # Made without an event.
    assert find_differences() == [f"signature:{signature.pk}"]


def test_a_decision_taken_back_is_rebuilt_with_its_grants(
    signed_applicant: User,
    reviewer: User,
    model: HostedModel,
    answers: Callable[..., Answers],
    settings: Settings,
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    application = open_draft(signed_applicant)
    submit_application(application, by=signed_applicant, answers=answers())
    for _ in range(2):
        approve_application(
            application,
            by=reviewer,
            models=[model],
            capabilities=[Capability.PLAYGROUND],
            ends_at=timezone.now() + timedelta(days=30),
        )
        take_back_decision(application, by=reviewer)
    signature = Signature.objects.get()  # Made without an event.
    assert find_differences() == [f"signature:{signature.pk}"]


def test_a_row_that_was_changed_past_the_log_is_named(
    signed_applicant: User, answers: Callable[..., Answers]
) -> None:
    application = open_draft(signed_applicant)
    submit_application(application, by=signed_applicant, answers=answers())
    Application.objects.filter(pk=application.pk).update(state="approved")
    assert find_differences()[0] == f"application:{application.case_number}"
