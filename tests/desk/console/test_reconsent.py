"""People who have not signed again: the list, its CSV, and manual reminders."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from portal.gate.access.domain.reconsent.announcements import announce_changes
from portal.gate.access.domain.reconsent.reminders import LIMIT, send_reminders
from portal.gate.access.enums import GrantState
from portal.gate.licensing.models import LicenceVersion, Signature
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from portal.platform.notices.domain.sending import send_due
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.factories.licensing import LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LIST, REMIND = "/console/reconsent/", "/console/reconsent/remind/"
CSV = "/console/reconsent/not-signed-again.csv"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def first(db: None) -> LicenceVersion:
    return LicenceVersionFactory.create(licence__name="Research licence", licence__slug="research")


@pytest.fixture
def second(first: LicenceVersion) -> LicenceVersion:
    return LicenceVersionFactory.create(licence=first.licence, number=2, effective_at=NOW - 5 * DAY)


def signer(version: LicenceVersion, name: str = "Ada Byron", **fields: Any) -> Signature:
    email = f"{name.split(maxsplit=1)[0].lower()}@example.org"
    values = {"user__name": name, "user__email": email, "signed_at": NOW - 90 * DAY, **fields}
    signature: Signature = SignatureFactory.create(version=version, **values)
    return signature


def names(console: Client, **chosen: str) -> list[str]:
    return [row.signature.user.name for row in console.get(LIST, chosen).context["rows"]]


def test_the_list_names_who_signed_what_and_how_long_it_holds(
    console: Client, first: LicenceVersion, second: LicenceVersion
) -> None:
    signature = signer(first)
    model = HostedModelFactory.create(
        release=ReleaseFactory.create(licence=first.licence), name="Great Model"
    )
    GrantFactory.create(user=signature.user, model=model)
    GrantFactory.create(user=signature.user)
    announce_changes(at=NOW)
    (row,) = console.get(LIST).context["rows"]
    assert (row.signature, row.version, row.days_left) == (signature, second, 25)
    assert [grant.model.name for grant in row.grants] == ["Great Model"]
    assert (row.told_at, row.is_over) == (NOW, False)
    page = console.get(LIST).content.decode()
    assert page.count("25 days") == page.count("ada@example.org") == page.count("Great Model") == 1


def test_only_the_newest_signature_of_those_who_must_is_listed(
    console: Client, first: LicenceVersion, second: LicenceVersion
) -> None:
    done = signer(first, "Done Person").user
    SignatureFactory.create(user=done, version=second)
    signer(first, "Gone Person", user__is_active=False)
    signer(first, "Late Person")
    assert names(console) == ["Late Person"]


def test_a_change_to_come_or_not_material_lists_nobody(
    console: Client, first: LicenceVersion
) -> None:
    signer(first)
    for number, fields in ((2, {"is_material": False}), (3, {"effective_at": NOW + DAY})):
        LicenceVersionFactory.create(licence=first.licence, number=number, **fields)
    assert names(console) == []
    assert console.get(LIST).content.decode().count("Everyone has signed") == 1


def test_the_page_says_how_far_each_licence_is(
    console: Client, first: LicenceVersion, second: LicenceVersion
) -> None:
    for name in ("Ann One", "Bob Two", "Cid Three"):
        SignatureFactory.create(user=signer(first, name).user, version=second)
    signer(first, "Dan Four")
    signer(first, "Eve Closed", user__is_active=False)
    LicenceVersionFactory.create(licence=first.licence, number=3, effective_at=NOW + DAY)
    LicenceVersionFactory.create(licence__name="Never changed")
    found = console.get(LIST).context["progress"]
    assert [(row.version, row.signed, row.signers) for row in found] == [(second, 3, 4)]


def test_filters_narrow_the_list(
    console: Client, first: LicenceVersion, second: LicenceVersion
) -> None:
    other = LicenceVersionFactory.create(licence__slug="other")
    LicenceVersionFactory.create(licence=other.licence, number=2, effective_at=NOW - 40 * DAY)
    ada = signer(first, "Ada Byron", entity_name="", legal_name="Countess Lovelace")
    signer(other, "Bob Late")
    model = HostedModelFactory.create(release=ReleaseFactory.create(licence=first.licence))
    GrantFactory.create(user=ada.user, model=model)
    ended = signer(first, "Cid Revoked")
    GrantFactory.create(user=ended.user, model=model, state=GrantState.REVOKED)
    assert names(console) == ["Bob Late", "Ada Byron", "Cid Revoked"]
    assert names(console, licence="other") == names(console, state="over") == ["Bob Late"]
    assert names(console, state="holds") == ["Ada Byron", "Cid Revoked"]
    assert names(console, access="live") == names(console, q="lovelace") == ["Ada Byron"]
    assert names(console, state="nonsense", page="99") == names(console)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(("page", "queries"), [(LIST, 9), (CSV, 11)])
def test_the_list_asks_the_database_no_more_for_more_rows(
    console: Client,
    first: LicenceVersion,
    second: LicenceVersion,
    rows: int,
    page: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    model = HostedModelFactory.create(release=ReleaseFactory.create(licence=first.licence))
    for number in range(rows):
        GrantFactory.create(user=signer(first, f"P{number} Person").user, model=model)
    console.get(page)
    with django_assert_num_queries(queries):
        console.get(page)


def test_the_csv_holds_all_of_the_filter_and_no_formula(
    console: Client, first: LicenceVersion, second: LicenceVersion
) -> None:
    signature = signer(first, "=Sum Person", user__email="sum@example.org")
    model = HostedModelFactory.create(
        release=ReleaseFactory.create(licence=first.licence), slug="great"
    )
    GrantFactory.create(user=signature.user, model=model)
    response = console.get(CSV, {"state": "holds"})
    (row,) = csv.DictReader(io.StringIO(response.content.decode(), newline=""))
    assert row == {
        "licence": "research",
        "signed_version": "1",
        "version_to_sign": "2",
        "name": "'=Sum Person",
        "email": "sum@example.org",
        "signed_at": (NOW - 90 * DAY).isoformat(),
        "holds_until": (NOW + 25 * DAY).isoformat(),
        "days_left": "25",
        "live_grants": "great",
        "last_told_at": "",
    }
    event = AuditEvent.objects.get(tag=AuditTag.RECONSENT_EXPORTED)
    assert event.data == {"filter": {"state": "holds"}}


def test_an_auditor_may_look_and_each_look_is_an_event(
    client: Client, first: LicenceVersion, second: LicenceVersion
) -> None:
    signature = signer(first)
    auditor = UserFactory.create(is_auditor=True)
    client.force_login(auditor)
    page = client.get(LIST, {"q": "Ada"})
    assert (page.status_code, page.content.decode().count('name="signatures"')) == (200, 0)
    assert client.post(REMIND, {"signatures": [signature.pk]}).status_code == 403
    event = AuditEvent.objects.get()
    assert (event.tag, event.actor) == (AuditTag.RECONSENT_VIEWED, auditor)
    assert event.data == {"filter": {"q": "(words)"}, "page": 1}


@pytest.mark.parametrize("role", ["is_staff", None])
def test_nobody_else_sees_the_list(client: Client, role: str | None) -> None:
    client.force_login(UserFactory.create(**{role: True} if role else {}))
    answers = [client.get(LIST), client.get(CSV), client.post(REMIND)]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_a_reminder_is_tried_out_first_and_then_sent_and_recorded(
    console: Client, reviewer: User, first: LicenceVersion, second: LicenceVersion
) -> None:
    ada, bob = signer(first, "Ada Byron"), signer(first, "Bob Late")
    chosen = {"signatures": [ada.pk, bob.pk]}
    tried = console.post(REMIND, chosen)
    assert [outcome.signature for outcome in tried.context["possible"]] == [ada, bob]
    assert (AuditEvent.objects.count(), send_due()) == (0, 0)
    done = console.post(REMIND, {**chosen, "confirm": "1", "back": f"{LIST}?state=holds"})
    assert (done.status_code, done["Location"]) == (302, f"{LIST}?state=holds")
    assert send_due() == 2
    assert {message.to[0] for message in mail.outbox} == {"ada@example.org", "bob@example.org"}
    events = AuditEvent.objects.filter(tag=AuditTag.RECONSENT_REMINDED).order_by("id")
    told = [(event.actor, event.subject, event.data) for event in events]
    assert told == [(reviewer, f"signature:{row.pk}", {"version": second.pk}) for row in (ada, bob)]
    assert find_breaks() == []


def test_who_was_told_this_week_or_has_signed_is_left_out(
    reviewer: User, first: LicenceVersion, second: LicenceVersion, clock: Traveller
) -> None:
    told, done = signer(first, "Told Person"), signer(first, "Done Person")
    announce_changes(at=NOW)
    SignatureFactory.create(user=done.user, version=second)
    rows = [told.pk, done.pk]
    assert [(row.is_done, row.message) for row in send_reminders(rows, by=reviewer)] == [
        (False, "They got a mail on 1 June. Wait a week before you send another."),
        (False, "This person no longer has anything to sign again."),
    ]
    clock.move_to(NOW + 7 * DAY - timedelta(seconds=1))
    assert send_reminders([told.pk], by=reviewer)[0].is_done is False
    clock.move_to(NOW + 7 * DAY)
    assert send_reminders([told.pk], by=reviewer)[0].is_done is True


@pytest.mark.parametrize(
    ("rows", "role", "code"),
    [
        (range(1, LIMIT + 2), "is_reviewer", "too_many"),
        ([], "is_reviewer", "nothing_chosen"),
        ([1], "is_auditor", "reviewers_only"),
    ],
)
def test_a_reminder_has_bounds(rows: list[int], role: str, code: str) -> None:
    with pytest.raises(DomainError) as refusal:
        send_reminders(rows, by=UserFactory.create(**{role: True}))
    assert refusal.value.code == code


@pytest.mark.parametrize("signatures", [[], ["x"], ["9" * 30]])
def test_nonsense_marks_nobody(console: Client, signatures: list[str]) -> None:
    answer = console.post(REMIND, {"signatures": signatures, "back": "https://evil.example/"})
    assert (answer.status_code, answer["Location"]) == (302, LIST)
