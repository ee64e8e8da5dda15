"""Mails about a changed licence: who gets which, at which moment, and never twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from time_machine import Traveller

from portal.gate.access.domain.reconsent.announcements import announce_changes
from portal.gate.access.enums import GrantState
from portal.gate.access.tasks import announce_changed_licences
from portal.gate.licensing.domain.signing import sign_licence
from portal.gate.licensing.domain.versions import publish_version
from portal.gate.licensing.enums import Capacity
from portal.gate.licensing.models import Licence, LicenceVersion
from portal.platform.accounts.models import User
from portal.platform.notices.domain.reading import list_notices
from portal.platform.notices.domain.sending import send_due
from portal.platform.notices.models import Notice
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.factories.licensing import LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def clock() -> Iterator[Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def first(db: None) -> LicenceVersion:
    return LicenceVersionFactory.create(licence__name="Research licence")


def publish(licence: Licence, **changes: Any) -> LicenceVersion:
    values = {"text": f"Text {licence.versions.count()}", "effective_at": NOW, "is_material": True}
    return publish_version(licence, **{**values, **changes})


def deliver() -> list[str]:
    """Run the task twice, send the mail, and return its recipients, sorted."""
    mail.outbox.clear()
    announce_changed_licences()
    announce_changed_licences()
    send_due()
    return sorted(message.to[0] for message in mail.outbox)


def sign(person: User, version: LicenceVersion) -> None:
    sign_licence(person, version=version, legal_name="Ada Byron", capacity=Capacity.SELF)


def test_mails_leave_at_publication_and_before_the_end_and_each_once(
    clock: Traveller, first: LicenceVersion
) -> None:
    signer = SignatureFactory.create(version=first, user__email="a@example.org").user
    publish(first.licence, grace_days=60)
    end = NOW + 60 * DAY
    got: list[tuple[int, int]] = []
    moments = [NOW, NOW + SECOND]
    for days in (30, 7, 1):
        moments += [end - days * DAY - SECOND, end - days * DAY, end - days * DAY + SECOND]
    for number, moment in enumerate([*moments, end - SECOND, end, end + 30 * DAY]):
        clock.move_to(moment)
        got.append((number, len(deliver())))
    assert [number for number, count in got if count] == [0, 3, 6, 9]
    assert sum(count for _, count in got) == 4
    assert list_notices(signer.pk).count() == 4


def test_a_grace_of_thirty_days_is_announced_once_and_recalled_twice(
    clock: Traveller, first: LicenceVersion
) -> None:
    SignatureFactory.create(version=first)
    publish(first.licence, grace_days=30)
    counts = []
    for day in range(40):
        clock.move_to(NOW + day * DAY)
        counts.append(len(deliver()))
    assert [day for day, count in enumerate(counts) if count] == [0, 23, 29]
    assert sum(counts) == 3


@pytest.mark.parametrize(("grace", "days"), [(5, [0, 4]), (1, [0]), (0, [0])])
def test_a_short_grace_skips_the_steps_that_are_past(
    clock: Traveller, first: LicenceVersion, grace: int, days: list[int]
) -> None:
    SignatureFactory.create(version=first)
    publish(first.licence, grace_days=grace)
    counts = []
    for day in range(10):
        clock.move_to(NOW + day * DAY)
        counts.append(len(deliver()))
    assert [day for day, count in enumerate(counts) if count] == days


def test_who_signs_meanwhile_gets_no_more(clock: Traveller, first: LicenceVersion) -> None:
    early = SignatureFactory.create(version=first, user__email="early@example.org").user
    SignatureFactory.create(version=first, user__email="late@example.org")
    change = publish(first.licence, grace_days=60)
    assert deliver() == ["early@example.org", "late@example.org"]
    clock.move_to(NOW + 31 * DAY)
    sign(early, change)
    assert deliver() == ["late@example.org"]


def test_who_signs_before_a_mail_leaves_does_not_get_it(
    clock: Traveller, first: LicenceVersion
) -> None:
    signer = SignatureFactory.create(version=first).user
    change = publish(first.licence)
    assert announce_changes(at=NOW) == 1
    sign(signer, change)
    assert (send_due(), mail.outbox) == (0, [])
    assert list_notices(signer.pk).count() == 0


def test_only_those_who_must_sign_again_are_told(clock: Traveller, first: LicenceVersion) -> None:
    release = ReleaseFactory.create(licence=first.licence)
    lapsed = LicenceVersionFactory.create(
        licence=first.licence, number=2, effective_at=NOW - 90 * DAY, grace_days=30
    )
    for name, version in (("lapsed", first), ("holder", first), ("ended", first), ("good", lapsed)):
        SignatureFactory.create(version=version, user__email=f"{name}@example.org")
    SignatureFactory.create(version=lapsed, user__email="closed@example.org", user__is_active=False)
    SignatureFactory.create(user__email="other-licence@example.org")
    UserFactory.create(email="never-signed@example.org")
    model = HostedModelFactory.create(release=release)
    GrantFactory.create(user=User.objects.get(email="holder@example.org"), model=model)
    GrantFactory.create(
        user=User.objects.get(email="ended@example.org"), model=model, state=GrantState.REVOKED
    )
    publish(first.licence)
    assert deliver() == ["good@example.org", "holder@example.org"]
    # No recall about access that has already ended.
    clock.move_to(NOW + 23 * DAY)
    assert deliver() == ["good@example.org"]


def test_a_change_that_is_not_material_is_no_news(clock: Traveller, first: LicenceVersion) -> None:
    SignatureFactory.create(version=first)
    publish(first.licence, is_material=False)
    assert deliver() == []


def test_the_change_that_binds_first_is_the_one_that_is_recalled(
    clock: Traveller, first: LicenceVersion
) -> None:
    SignatureFactory.create(version=first, user__email="first@example.org")
    second = publish(first.licence, grace_days=20)
    SignatureFactory.create(version=second, user__email="second@example.org")
    clock.move_to(NOW + DAY)
    third = publish(first.licence, effective_at=NOW + DAY, grace_days=60)
    assert deliver() == ["first@example.org"] * 2 + ["second@example.org"]
    days = {13: ["first@example.org"], 19: ["first@example.org"], 31: ["second@example.org"]}
    got = {}
    for day in range(2, 34):
        clock.move_to(NOW + day * DAY)
        got[day] = deliver()
    assert {day: people for day, people in got.items() if people} == days
    assert Notice.objects.filter(about=f"licence-version:{third.pk}").count() == 3


def test_a_text_to_come_is_announced_with_its_dates(
    clock: Traveller, first: LicenceVersion
) -> None:
    SignatureFactory.create(version=first, user__name="Ada Byron")
    publish(first.licence, effective_at=NOW + 10 * DAY, grace_days=60, changes="Clause 2 is new.")
    assert len(deliver()) == 1
    (message,) = mail.outbox
    assert message.subject == "Sign again by 10 August 2026: the Research licence has changed"
    slug = first.licence.slug
    assert message.body.split("\n\n")[:6] == [
        "Hello Ada Byron,",
        (
            "The Research licence, which you signed as version 1, has a new version 2, in force"
            " from 11 June 2026, 12:00 UTC."
        ),
        "What is new:\nClause 2 is new.",
        (
            "Your signature on the older text is valid until 10 August 2026, 12:00 UTC. After that,"
            " you cannot use the models under this licence until you sign again."
        ),
        f"Read it now, and sign it once it is in force:\nhttp://testserver/licence/{slug}/2/",
        "--\nGatehouse\nhttp://testserver\n",
    ]


@pytest.mark.django_db(transaction=True)
def test_two_tasks_at_once_send_each_mail_once(first: LicenceVersion) -> None:
    for _ in range(5):
        SignatureFactory.create(version=first)
    at = publish(first.licence).published_at

    def run() -> None:
        announce_changes(at=at)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Notice.objects.count() == Notice.objects.values("recipient").distinct().count() == 5
