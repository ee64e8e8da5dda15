"""Which events are sent, when, to whom; and what they do not contain."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.reopening import reopen_application
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant, suspend_grant
from portal.gate.access.enums import Capability
from portal.gate.access.models import Application, Grant
from portal.gate.renewals.domain.endings import watch_ends
from portal.gate.webhooks.domain.fan_out import fan_out_due
from portal.gate.webhooks.domain.sending import send_waiting
from portal.gate.webhooks.models import Delivery, Event
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.gate.webhooks.conftest import Register
from tests.gate.webhooks.receiver import Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer(db: None) -> User:
    return UserFactory.create(is_reviewer=True)


def waiting(**fields: Any) -> Application:
    return ApplicationFactory.create(models_wanted=[HostedModelFactory.create()], **fields)


def approve(application: Application, reviewer: User) -> list[Grant]:
    approve_application(
        application,
        by=reviewer,
        ends_at=timezone.now() + timedelta(days=100),
        models=list(application.models_wanted.all()),
        capabilities=[Capability.API],
    )
    return list(Grant.objects.filter(application=application))


def deliver(endpoint_id: int) -> None:
    fan_out_due(at=timezone.now())
    send_waiting(endpoint_id)


def test_every_step_that_is_told_is_told_in_order(
    register: Register, receiver: Receiver, reviewer: User
) -> None:
    endpoint = register().endpoint
    (grant,) = approve(waiting(), reviewer)
    suspend_grant(grant, by=reviewer, reason="A question.")
    resume_grant(grant, by=reviewer, reason="Answered.")
    revoke_grant(grant, by=reviewer, reason="Misuse.")
    return_application(waiting(), by=reviewer, note="Say more.")
    reject_application(waiting(), by=reviewer, reason="Not research.")
    deliver(endpoint.pk)
    assert receiver.types == [
        "application.approved", "grant.made", "grant.suspended", "grant.resumed",
        "grant.revoked", "application.returned", "application.refused",
    ]  # fmt: skip


def test_a_message_holds_ids_states_and_models_and_nothing_of_a_person(
    register: Register, receiver: Receiver, reviewer: User
) -> None:
    endpoint = register().endpoint
    application = waiting(
        applicant__name="Ada Lovelace", applicant__email="ada@example.org", homepage="ada.example"
    )
    (grant,) = approve(application, reviewer)
    deliver(endpoint.pk)
    first, second = (request.content for request in receiver.requests)
    event = Event.objects.get(type="application.approved")
    slug = grant.model.slug
    assert first == {
        "id": f"evt_{event.public_id.hex}",
        "type": "application.approved",
        "timestamp": event.due_at.isoformat(),
        "data": {
            "application": {
                "case_number": application.case_number,
                "state": "approved",
                "models": [slug],
            },
            "grant": None,
        },
    }
    assert second["data"]["grant"] == {
        "id": grant.pk,
        "model": slug,
        "state": "active",
        "capabilities": ["api"],
        "starts_at": grant.starts_at.isoformat(),
        "ends_at": grant.ends_at.isoformat(),
    }
    text = json.dumps([first, second])
    personal = ("Ada", "Lovelace", "ada@", "example.org", reviewer.name, "University")
    assert [word for word in personal if word in text] == []


def test_the_end_by_the_clock_is_told_once(register: Register, reviewer: User) -> None:
    register()
    (grant,) = approve(waiting(), reviewer)

    for seconds in (-1, 0, 60):
        at = grant.ends_at + timedelta(seconds=seconds)
        with time_machine.travel(at, tick=False):
            watch_ends(at=at)

    (event,) = Event.objects.filter(type="grant.expired")
    assert (event.due_at, event.data["grant"]["id"]) == (grant.ends_at, grant.pk)


def test_a_held_decision_is_told_when_its_applicant_hears(
    register: Register, receiver: Receiver, reviewer: User, settings: Settings
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    endpoint = register().endpoint
    with time_machine.travel(timezone.now(), tick=False) as clock:
        approve(waiting(), reviewer)
        clock.shift(timedelta(seconds=599))
        deliver(endpoint.pk)
        assert receiver.types == []
        clock.shift(timedelta(seconds=1))
        deliver(endpoint.pk)
    assert receiver.types == ["application.approved", "grant.made"]


def test_a_decision_that_is_taken_back_is_never_told(
    register: Register, receiver: Receiver, reviewer: User, settings: Settings
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    endpoint = register().endpoint
    application = waiting()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        approve(application, reviewer)
        application.refresh_from_db()
        take_back_decision(application, by=reviewer)
        clock.shift(timedelta(days=1))
        deliver(endpoint.pk)
    assert (receiver.types, Event.objects.count()) == ([], 0)


def test_reopening_tells_of_the_halted_grant_at_once(
    register: Register, receiver: Receiver, reviewer: User
) -> None:
    application = waiting()
    approve(application, reviewer)
    endpoint = register().endpoint
    reopen_application(application, by=UserFactory.create(is_reviewer=True), reason="A doubt.")
    deliver(endpoint.pk)
    assert sorted(receiver.types) == ["application.reopened", "grant.suspended"]


def test_an_event_that_is_rolled_back_was_never_there(register: Register, reviewer: User) -> None:
    register()
    with transaction.atomic():
        return_application(waiting(), by=reviewer, note="Say more.")
        assert Event.objects.count() == 1
        transaction.set_rollback(True)
    assert Event.objects.count() == 0


def test_an_endpoint_hears_what_it_chose_of_its_own_domain(
    register: Register, reviewer: User
) -> None:
    chosen = register(events=["application.returned"], domain="@Uni.Example").endpoint
    everything = register(name="All").endpoint
    for email in ("a@uni.example", "b@cs.uni.example", "c@notuni.example", "d@example.org"):
        return_application(waiting(applicant__email=email), by=reviewer, note="Say more.")
    reject_application(waiting(applicant__email="e@uni.example"), by=reviewer, reason="No.")
    assert fan_out_due(at=timezone.now()) == 5
    assert Delivery.objects.filter(endpoint=chosen).count() == 2
    assert Delivery.objects.filter(endpoint=everything).count() == 5


def test_nothing_is_written_where_nobody_listens(reviewer: User) -> None:
    return_application(waiting(), by=reviewer, note="Say more.")
    assert Event.objects.count() == 0
