from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.decide import decide
from portal.gate.access.domain.demo import (
    ACCOUNTS,
    APPLICANT,
    OPERATOR,
    RESEARCHER,
    RESEARCHER_ANSWERS,
    REVIEWER,
    SECOND,
    seed_demo,
)
from portal.gate.access.domain.process.applications import Answers, open_draft, submit_application
from portal.gate.access.domain.process.reviews import approve_application
from portal.gate.access.enums import ApplicationState, Capability, Code
from portal.gate.access.models import Application, Grant
from portal.gate.catalog.enums import Tier
from portal.gate.licensing.models import Signature
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.gate.access.conftest import sign

pytestmark = pytest.mark.django_db


def person(email: str) -> User:
    return User.objects.get(email=email)


def answer(email: str, capability: Capability = Capability.PLAYGROUND) -> Code:
    model = HostedModelFactory._meta.model.objects.get()
    return decide(person(email), model, capability, timezone.now()).code


def test_accounts_stand_where_the_demo_needs_them() -> None:
    HostedModelFactory.create()

    seed_demo()

    assert answer(RESEARCHER.email) == Code.OK
    assert answer(RESEARCHER.email, Capability.API) == Code.OK
    assert answer(RESEARCHER.email, Capability.WEIGHTS) == Code.OK
    assert answer(APPLICANT.email) == Code.LICENCE_UNSIGNED
    assert person(REVIEWER.email).is_reviewer
    assert person(OPERATOR.email).is_superuser
    waiting = Application.objects.get(state=ApplicationState.SUBMITTED)
    assert waiting.applicant.email not in {account.email for account in ACCOUNTS}


def test_a_model_that_asks_for_two_reviewers_can_be_opened_by_the_demos_people() -> None:
    HostedModelFactory.create()
    guarded = HostedModelFactory.create(tier=Tier.TWO_REVIEWERS, name="OPT-175B")
    seed_demo()
    applicant = sign(person(APPLICANT.email), guarded)
    application = open_draft(applicant)
    answers: dict[str, Any] = {**RESEARCHER_ANSWERS, "capabilities": (Capability.PLAYGROUND,)}
    submit_application(application, by=applicant, answers=Answers(**answers, models=(guarded,)))
    ends_at = timezone.now() + timedelta(days=30)
    for account in (REVIEWER, SECOND):
        assert account in ACCOUNTS
        application.refresh_from_db()
        approve_application(
            application,
            by=person(account.email),
            ends_at=ends_at,
            models=[guarded],
            capabilities=[Capability.PLAYGROUND],
        )
    assert decide(applicant, guarded, Capability.PLAYGROUND, timezone.now()).code == Code.OK


def test_seeding_again_adds_nothing() -> None:
    HostedModelFactory.create()
    seed_demo()
    counts = [table.objects.count() for table in (User, Signature, Application, Grant, AuditEvent)]
    hashes = list(User.objects.order_by("pk").values_list("password", flat=True))

    seed_demo()

    again = [table.objects.count() for table in (User, Signature, Application, Grant, AuditEvent)]
    assert again == counts
    assert list(User.objects.order_by("pk").values_list("password", flat=True)) == hashes


def test_a_revoked_grant_stays_revoked() -> None:
    HostedModelFactory.create()
    seed_demo()
    Grant.objects.update(state="revoked", reason="Tried out.")

    seed_demo()

    assert answer(RESEARCHER.email) == Code.REVOKED


def test_a_changed_password_is_set_back_to_the_printed_one() -> None:
    HostedModelFactory.create()
    seed_demo()
    user = person(APPLICANT.email)
    user.set_password("something else")
    user.save()

    seed_demo()

    assert person(APPLICANT.email).check_password(APPLICANT.password)


def test_command_prints_what_the_demo_runner_reads() -> None:
    HostedModelFactory.create()
    out = StringIO()

    call_command("seed_demo", "--json", stdout=out)

    rows = json.loads(out.getvalue())
    assert [row["role"] for row in rows] == [
        "applicant",
        "researcher",
        "reviewer",
        "reviewer2",
        "operator",
        "auditor",
    ]
    assert rows[0] == {
        "role": "applicant",
        "email": "applicant@demo.gatehouse.example",
        "password": "demo-applicant-password",
    }


def test_command_is_refused_outside_of_the_demo(settings: Settings) -> None:
    HostedModelFactory.create()
    UserFactory.create()
    settings.DEMO = False

    with pytest.raises(CommandError, match="only where DEMO is on"):
        call_command("seed_demo")

    assert User.objects.count() == 1


def test_command_asks_for_the_release_first() -> None:
    with pytest.raises(CommandError, match="run load_release first"):
        call_command("seed_demo")
