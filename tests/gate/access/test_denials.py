from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from portal.gate.access.domain.process.applications import Answers, open_draft, submit_application
from portal.gate.access.domain.process.reviews import approve_application, reject_application
from portal.gate.access.domain.screening.denylist import (
    appeal_denial,
    deny,
    find_denials,
    lift_denial,
)
from portal.gate.access.enums import ApplicationState, Capability, DenialKind
from portal.gate.access.models import Application, Denial
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError, LostRace
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


@pytest.fixture
def application(signed_applicant: User, model: HostedModel) -> Application:
    return ApplicationFactory.create(
        applicant=signed_applicant,
        models_wanted=[model],
        applicant_email="ada@cs.example.org",
        affiliation="Université de l'Exemple",
    )


def put_on(kind: DenialKind, by: User, **fields: Any) -> Denial:
    ends_at = timezone.now() + MONTH
    return deny(kind=kind, by=by, reason="Shared the weights.", ends_at=ends_at, **fields)


def approve(application: Application, by: User) -> None:
    approve_application(
        application,
        by=by,
        models=list(application.models_wanted.all()),
        capabilities=[Capability.PLAYGROUND],
        ends_at=timezone.now() + MONTH,
    )


def test_a_person_on_the_list_cannot_submit_until_it_ends(
    signed_applicant: User, reviewer: User, answers: Callable[..., Answers]
) -> None:
    start = timezone.now()
    draft = open_draft(signed_applicant)
    with time_machine.travel(start, tick=False) as clock:
        denial = put_on(DenialKind.PERSON, reviewer, person=signed_applicant)
        clock.move_to(denial.ends_at - timedelta(seconds=1))
        with pytest.raises(DomainError) as refusal:
            submit_application(draft, by=signed_applicant, answers=answers())
        clock.move_to(denial.ends_at)
        submit_application(draft, by=signed_applicant, answers=answers())
    assert refusal.value.code == "denied"
    assert refusal.value.message == (
        f"You cannot apply until {denial.ends_at:%d %B %Y}. The reason: Shared the weights."
    )


@pytest.mark.parametrize(
    ("kind", "value", "stands_for_it"),
    [
        (DenialKind.DOMAIN, "example.org", True),
        (DenialKind.DOMAIN, "CS.Example.org", True),
        (DenialKind.DOMAIN, "ample.org", False),
        (DenialKind.ENTITY, "universite de l'exemple", True),
        (DenialKind.ENTITY, "Université", False),
    ],
)
def test_domains_and_institutions_are_pointed_out_and_stop_an_approval(
    application: Application,
    reviewer: User,
    kind: DenialKind,
    value: str,
    stands_for_it: bool,
) -> None:
    denial = put_on(kind, UserFactory.create(is_reviewer=True), value=value)
    assert find_denials(application, at=timezone.now()) == ([denial] if stands_for_it else [])
    if not stands_for_it:
        approve(application, reviewer)
        return
    with pytest.raises(DomainError) as refusal:
        approve(application, reviewer)
    assert (refusal.value.code, application.state) == ("denied", ApplicationState.SUBMITTED)
    lift_denial(denial, by=reviewer, note="Cleared up.")
    approve(application, reviewer)


def test_the_list_refuses_nobody_by_itself(application: Application, reviewer: User) -> None:
    put_on(DenialKind.DOMAIN, reviewer, value="example.org")
    application.refresh_from_db()
    assert application.state == ApplicationState.SUBMITTED
    reject_application(application, by=reviewer, reason="See the denylist.")


def test_an_appeal_is_read_by_another_reviewer(
    signed_applicant: User, reviewer: User, client: Client
) -> None:
    denial = put_on(DenialKind.PERSON, reviewer, person=signed_applicant)
    client.force_login(signed_applicant)
    assert client.get("/access/denial/").context["denial"] == denial
    assert client.post("/access/denial/", {"text": "It was not me."}).status_code == 302
    denial.refresh_from_db()
    assert denial.appeal == "It was not me."
    with pytest.raises(DomainError) as twice:
        appeal_denial(denial, by=signed_applicant, text="Again.")
    with pytest.raises(DomainError) as same:
        lift_denial(denial, by=reviewer, note="Hm.")
    assert (twice.value.code, same.value.code) == ("appealed_before", "decided_before")
    other = UserFactory.create(is_reviewer=True)
    lift_denial(denial, by=other, note="It was somebody else.")
    with pytest.raises(LostRace):
        lift_denial(denial, by=other, note="Twice.")
    assert client.get("/access/denial/")["Location"] == "/access/"
    tags = AuditEvent.objects.filter(subject=f"denial:{denial.pk}").order_by("id")
    assert [event.tag for event in tags] == [
        "access.denial.made",
        "access.denial.appealed",
        "access.denial.lifted",
    ]
    assert find_breaks() == []


def test_only_its_person_appeals(signed_applicant: User, reviewer: User) -> None:
    denial = put_on(DenialKind.PERSON, reviewer, person=signed_applicant)
    with pytest.raises(DomainError) as refusal:
        appeal_denial(denial, by=UserFactory.create(), text="On their behalf.")
    assert refusal.value.code == "not_your_denial"


def test_a_reviewer_neither_lists_nor_lifts_themselves(reviewer: User) -> None:
    with pytest.raises(DomainError) as refusal:
        put_on(DenialKind.PERSON, reviewer, person=reviewer)
    denial = put_on(DenialKind.PERSON, UserFactory.create(is_reviewer=True), person=reviewer)
    with pytest.raises(DomainError) as own:
        lift_denial(denial, by=reviewer, note="I am fine.")
    assert (refusal.value.code, own.value.code) == ("own_person", "own_person")


def test_an_entry_is_made_once(reviewer: User) -> None:
    put_on(DenialKind.DOMAIN, reviewer, value="example.org")
    with pytest.raises(DomainError) as refusal:
        put_on(DenialKind.DOMAIN, reviewer, value=" @EXAMPLE.org ")
    assert refusal.value.code == "denied_already"
