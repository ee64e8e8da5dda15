"""The export has everything about the person, and nothing about others."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.remarks import write_remark
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.enums import ApplicationState, Capability, Command, GrantState
from portal.gate.access.models import Application, Step
from portal.gate.catalog.models import HostedModel
from portal.gate.renewals.domain.decisions import claim_renewal, return_renewal
from portal.gate.renewals.domain.statements import StatementAnswers, state_destruction
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.core import rate_limit
from portal.platform.notices.domain.outbox import post
from tests.factories.access import ApplicationFactory, GrantFactory, StepFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory, make_researcher
from tests.factories.licensing import SignatureFactory
from tests.factories.renewals import REPORT, hand_in
from tests.factories.vouching import VouchRequestFactory

pytestmark = pytest.mark.django_db
ADDRESS = "/account/everything/"


def unpack(content: bytes) -> dict[str, list[dict[str, Any]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = [name for name in archive.namelist() if name.endswith(".json")]
        return {name: json.loads(archive.read(name)) for name in files}


def unpack_agreements(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = [name for name in archive.namelist() if not name.endswith(".json")]
        return {name: archive.read(name) for name in files}


@pytest.fixture
def person() -> User:
    return make_researcher()[0]


def test_everything_of_oneself_is_in_the_file_and_nothing_of_others(
    person: User, client: Client
) -> None:
    reviewer = UserFactory.create(is_reviewer=True)
    application = person.applications.get()
    StepFactory.create(application=application, actor=reviewer, note="Welcome.")
    remark = write_remark(application, by=reviewer, text="Is new to me.", asked=None)
    run = GenerationJobFactory.create(user=person, succeeded=True)
    GenerationJobFactory.create(succeeded=True)
    GrantFactory.create()
    with transaction.atomic():
        post(person, kind="test", subject="Hello", body="Text")
    client.force_login(person)
    files = unpack(client.post(ADDRESS).content)
    assert sorted(files) == [
        f"{name}.json"
        for name in [
            "account",
            "addresses",
            "api_keys",
            "applications",
            "audit_events",
            "batches",
            "calls",
            "denials",
            "documents",
            "downloads",
            "erasure_requests",
            "files",
            "grants",
            "issued_agreements",
            "notices",
            "other_sign_ins",
            "presets",
            "projects",
            "remarks",
            "renewal_steps",
            "renewals",
            "reports",
            "rulings",
            "runs",
            "sessions",
            "share_links",
            "signatures",
            "statements",
            "steps",
            "submitted_versions",
            "team_invitations",
            "team_memberships",
            "usage",
            "vouch_requests",
            "vouches_given",
            "weights_links",
        ]
    ]
    assert [row["email"] for row in files["account.json"]] == [person.email]
    assert [row["id"] for row in files["runs.json"]] == [str(run.pk)]
    assert [row["prompt"] for row in files["runs.json"]] == [run.prompt]
    assert [row["case_number"] for row in files["applications.json"]] == [application.case_number]
    assert [row["subject"] for row in files["notices.json"]] == ["Hello"]
    assert [row["note"] for row in files["steps.json"]] == ["Welcome."]
    (told,) = files["remarks.json"]
    assert (sorted(told), told["text"]) == (["application", "at", "id", "text"], remark.text)
    assert len(files["grants.json"]) == len(files["signatures.json"]) == 1


def test_signed_agreements_are_in_the_file_as_their_pdfs(person: User, client: Client) -> None:
    SignatureFactory.create()
    signature = person.signatures.get()
    client.force_login(person)
    files = unpack_agreements(client.post(ADDRESS).content)
    pdf = client.get(reverse("licensing:signature_pdf", args=[signature.pk])).content
    slug = signature.version.licence.slug
    assert files == {f"agreements/{slug}-v1-signature-{signature.pk}.pdf": pdf}
    assert client.post("/verify/", {"asked": hashlib.sha256(pdf).hexdigest()}).status_code == 200


def test_no_secret_and_no_reviewer_is_in_the_file(person: User, client: Client) -> None:
    StepFactory.create(
        application=person.applications.get(), actor=UserFactory.create(is_reviewer=True)
    )
    client.force_login(person)
    files = unpack(client.post(ADDRESS).content)
    kept = {field for rows in files.values() for row in rows for field in row}
    assert kept & {"password", "digest", "session_key", "actor", "worker"} == set()


def test_what_a_referee_said_is_in_their_own_file_only(person: User, client: Client) -> None:
    application = person.applications.get()
    referee = UserFactory.create()
    answered = {"state": "answered", "answer": "confirm", "answered_at": timezone.now()}
    VouchRequestFactory.create(
        application=application, email=referee.email, text="Good.", **answered
    )
    client.force_login(person)
    (asked,) = unpack(client.post(ADDRESS).content)["vouch_requests.json"]
    assert (asked["email"], asked.keys() & {"answer", "text", "digest"}) == (referee.email, set())
    client.force_login(referee)
    (given,) = unpack(client.post(ADDRESS).content)["vouches_given.json"]
    assert (given["answer"], given["text"], "digest" in given) == ("confirm", "Good.", False)


@pytest.mark.usefixtures("valkey")
def test_the_file_is_made_only_so_often(
    person: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "MOST", 2)
    client.force_login(person)
    assert [client.post(ADDRESS).status_code for _ in range(3)] == [200, 200, 429]


def test_a_visitor_gets_nothing(client: Client) -> None:
    assert client.post(ADDRESS).status_code == 302


def approve(application: Application, by: User, model: HostedModel) -> Step:
    return approve_application(
        application,
        by=by,
        models=[model],
        capabilities=[Capability.PLAYGROUND],
        ends_at=timezone.now() + timedelta(days=30),
    )


DECISIONS = {
    Command.RETURN: lambda row, by, _: return_application(
        row, by=by, note="Say more.", field_notes={"homepage": "Which?"}
    ),
    Command.REJECT: lambda row, by, _: reject_application(row, by=by, reason="Commercial."),
    Command.APPROVE: approve,
}


TAGS = {
    Command.RETURN: AuditTag.APPLICATION_RETURNED,
    Command.REJECT: AuditTag.APPLICATION_REJECTED,
    Command.APPROVE: AuditTag.APPLICATION_APPROVED,
}


@pytest.mark.parametrize("holds_a_grant", [False, True])
@pytest.mark.parametrize("command", DECISIONS)
def test_a_held_decision_changes_nothing_in_the_file_until_it_is_told(
    client: Client, settings: Settings, command: Command, holds_a_grant: bool
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    model, person = HostedModelFactory.create(), UserFactory.create()
    SignatureFactory.create(user=person, version=model.release.licence.versions.get())
    if holds_a_grant:
        GrantFactory.create(user=person, model=model)
    application = ApplicationFactory.create(applicant=person, models_wanted=[model])
    Application.objects.filter(pk=application.pk).update(state=ApplicationState.IN_REVIEW)
    application.refresh_from_db()
    reviewer = UserFactory.create(is_reviewer=True)
    client.force_login(person)
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        before = unpack(client.post(ADDRESS).content)
        DECISIONS[command](application, reviewer, model)
        clock.move_to(start + timedelta(seconds=599))
        assert unpack(client.post(ADDRESS).content) == before
        clock.move_to(start + timedelta(seconds=600))
        after = unpack(client.post(ADDRESS).content)
    told = [row["command"] for row in after["steps.json"] if row["command"] != Command.SUPERSEDE]
    assert told == [command]
    assert len(after["rulings.json"]) == 1
    given = len(after["grants.json"]) - len(before["grants.json"])
    assert given == (command == Command.APPROVE)
    assert {event["tag"] for event in after["audit_events.json"]} >= {TAGS[command]}


def test_a_decision_taken_back_is_never_in_the_file(client: Client, settings: Settings) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    model, person = HostedModelFactory.create(), UserFactory.create()
    SignatureFactory.create(user=person, version=model.release.licence.versions.get())
    application = ApplicationFactory.create(applicant=person, models_wanted=[model])
    reviewer = UserFactory.create(is_reviewer=True)
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        approve(application, reviewer, model)
        take_back_decision(application, by=reviewer)
        clock.move_to(start + timedelta(days=1))
        client.force_login(person)
        files = unpack(client.post(ADDRESS).content)
    for name in ("steps", "rulings", "grants", "notices", "audit_events"):
        assert files[f"{name}.json"] == []


def test_ones_own_reports_and_statements_are_in_the_file_and_the_desks_steps_are_not(
    client: Client, person: User
) -> None:
    grant = person.grants.get()
    grant.ends_at = timezone.now() + timedelta(days=9)
    grant.save()
    renewal, reviewer = hand_in([grant]), UserFactory.create(is_reviewer=True)
    claim_renewal(renewal, by=reviewer)
    return_renewal(renewal, by=reviewer, note="Say more.")
    weights = GrantFactory.create(
        user=person, state=GrantState.REVOKED, capabilities=[Capability.WEIGHTS]
    )
    stated = StatementAnswers(legal_name="Full Name", destroyed_on=timezone.now().date())
    state_destruction(weights, by=person, answers=stated)
    client.force_login(person)
    files = unpack(client.post(ADDRESS).content)
    assert [row["outputs"] for row in files["reports.json"]] == [REPORT.outputs]
    assert [row["state"] for row in files["renewals.json"]] == ["returned"]
    assert [row["command"] for row in files["renewal_steps.json"]] == ["submit", "return"]
    assert [row["legal_name"] for row in files["statements.json"]] == ["Full Name"]
    tags = [row["tag"] for row in files["audit_events.json"]]
    assert tags == [
        AuditTag.RENEWAL_SUBMITTED,
        AuditTag.RENEWAL_RETURNED,
        AuditTag.STATEMENT_MADE,
    ]
