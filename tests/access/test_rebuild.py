"""The rows can be rebuilt from the audit log, whatever has happened."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.access.domain.applications import (
    Answers,
    open_draft,
    submit_application,
    withdraw_application,
)
from portal.access.domain.grants import resume_grant, revoke_grant, suspend_grant
from portal.access.domain.rebuild import find_differences, read_rows
from portal.access.domain.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.access.enums import Capability
from portal.access.models import Application, Grant
from portal.accounts.models import User
from portal.catalog.enums import Tier
from portal.catalog.models import HostedModel
from portal.core.errors import DomainError
from portal.licensing.domain.signing import sign_licence
from portal.licensing.enums import Capacity
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


def act_as_applicant(
    person: User, models: list[HostedModel], make: Callable[..., Answers], rng: random.Random
) -> None:
    draft = open_draft(person)
    if rng.random() < 0.1:
        withdraw_application(draft, by=person)
        return
    chosen = tuple(rng.sample(models, rng.randint(1, 2)))
    submit_application(draft, by=person, answers=make(models=chosen))


def act_as_reviewer(by: User, rng: random.Random) -> None:
    cases, grants = list(Application.objects.order_by("pk")), list(Grant.objects.order_by("pk"))
    if cases and rng.random() < 0.8:
        decide(rng.choice(cases), by, rng)
    elif grants:
        change = rng.choice([suspend_grant, resume_grant, revoke_grant])
        change(rng.choice(grants), by=by, reason="So.")


@pytest.mark.parametrize("seed", range(6))
def test_random_histories_are_rebuilt_from_their_events(
    seed: int, model: HostedModel, answers: Callable[..., Answers]
) -> None:
    rng = random.Random(seed)
    models = [model, HostedModelFactory(tier=Tier.TWO_REVIEWERS, release=model.release)]
    version = model.release.licence.versions.get()
    people = [UserFactory() for _ in range(3)]
    reviewers = [UserFactory(is_reviewer=True) for _ in range(2)]
    for person in people:
        sign_licence(person, version=version, legal_name="Full Name", capacity=Capacity.SELF)

    for _ in range(STEPS):
        with suppress(DomainError):
            if rng.random() < 0.4:
                act_as_applicant(rng.choice(people), models, answers, rng)
            else:
                act_as_reviewer(rng.choice(reviewers), rng)

    rows = read_rows()
    assert (len(rows.signatures), len(rows.cases) > 2, len(rows.grants) > 0) == (3, True, True)
    assert find_differences() == []


def test_a_row_that_was_changed_past_the_log_is_named(
    signed_applicant: User, answers: Callable[..., Answers]
) -> None:
    application = open_draft(signed_applicant)
    submit_application(application, by=signed_applicant, answers=answers())
    Application.objects.filter(pk=application.pk).update(state="approved")
    assert find_differences()[0] == f"application:{application.case_number}"
