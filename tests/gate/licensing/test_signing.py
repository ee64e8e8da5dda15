from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.urls import reverse

from portal.gate.licensing.domain.signing import sign_licence, standing
from portal.gate.licensing.domain.versions import publish_version
from portal.gate.licensing.enums import Capacity, Standing
from portal.gate.licensing.models import LicenceVersion, Signature
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.accounts import UserFactory
from tests.factories.licensing import LicenceFactory, LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def refuse(version: LicenceVersion, **answers: Any) -> DomainError:
    values = {"legal_name": "Ada Byron", "capacity": Capacity.SELF} | answers
    user = values.pop("user", None) or UserFactory.create()
    with pytest.raises(DomainError) as refusal:
        sign_licence(user, version=version, **values)
    return refusal.value


def test_signature_freezes_the_text_and_who_signed_it() -> None:
    version = LicenceVersionFactory.create(text="Exactly\r\nthis é text.\n")
    user = UserFactory.create(email="ada@example.org")

    sign_licence(
        user,
        version=version,
        legal_name="  Ada Byron ",
        capacity=Capacity.ENTITY,
        entity_name=" Analytical Society ",
        has_authority=True,
        ip="192.0.2.7",
    )

    signature = Signature.objects.get()
    assert signature.text.encode() == "Exactly\r\nthis é text.\n".encode()
    assert signature.sha256 == version.sha256
    assert (signature.legal_name, signature.entity_name) == ("Ada Byron", "Analytical Society")
    assert (signature.email, signature.ip) == ("ada@example.org", "192.0.2.7")
    assert signature.signed_at == NOW
    event = AuditEvent.objects.get()
    assert (event.subject, event.actor_id) == (f"signature:{signature.pk}", user.pk)
    assert event.data == {
        "licence": version.licence.slug,
        "number": 1,
        "sha256": version.sha256,
        "capacity": "entity",
    }


def test_an_organisation_named_by_somebody_who_signs_for_themselves_is_left_out() -> None:
    version = LicenceVersionFactory.create()

    signature = sign_licence(
        UserFactory.create(),
        version=version,
        legal_name="Ada Byron",
        capacity=Capacity.SELF,
        entity_name="Not asked for",
    )

    assert signature.entity_name == ""


def test_everybody_signs_each_version_once_as_soon_as_it_takes_effect() -> None:
    version = LicenceVersionFactory.create()
    first, second = UserFactory.create_batch(2)

    def sign(user: User, version: LicenceVersion) -> Signature:
        return sign_licence(user, version=version, legal_name="Bob", capacity=Capacity.SELF)

    made = [sign(user, version) for user in (first, second)]
    new = LicenceVersionFactory.create(licence=version.licence, number=2, effective_at=NOW)
    made.append(sign(first, new))

    assert [(each.user, each.version, each.legal_name) for each in made] == [
        (first, version, "Bob"),
        (second, version, "Bob"),
        (first, new, "Bob"),
    ]


@pytest.mark.parametrize(
    ("answers", "code", "field"),
    [
        ({"legal_name": "  Al "}, "legal_name_missing", "legal_name"),
        ({"capacity": Capacity.ENTITY, "has_authority": True}, "entity_missing", "entity_name"),
        ({"capacity": Capacity.ENTITY, "entity_name": "X"}, "authority_missing", "has_authority"),
    ],
)
def test_incomplete_words_are_refused_at_their_field(
    answers: dict[str, Any], code: str, field: str
) -> None:
    error = refuse(LicenceVersionFactory.create(), **answers)

    assert (error.code, error.field) == (code, field)
    assert Signature.objects.count() == 0


def test_an_unconfirmed_address_cannot_sign() -> None:
    error = refuse(LicenceVersionFactory.create(), user=UserFactory.create(verified=False))

    assert (error.code, error.next_url) == ("email_unverified", reverse("account_email"))


def test_an_older_version_is_refused_and_leads_to_the_new_one() -> None:
    first = LicenceVersionFactory.create()
    LicenceVersionFactory.create(licence=first.licence, number=2, effective_at=NOW)

    error = refuse(first)

    assert error.code == "licence_version_superseded"
    assert (
        error.message == "Version 1 has been replaced by version 2. Read and sign the new version."
    )
    assert error.next_url == reverse("licensing:sign", args=[first.licence.slug])


@pytest.mark.parametrize("has_current", [True, False])
def test_a_future_version_is_refused(*, has_current: bool) -> None:
    licence = LicenceFactory.create()
    if has_current:
        LicenceVersionFactory.create(licence=licence)
    future = LicenceVersionFactory.create(licence=licence, number=2, effective_at=NOW + SECOND)

    assert refuse(future).code == "licence_version_not_effective"


def test_signing_twice_leads_to_the_first_copy() -> None:
    signature = SignatureFactory.create(signed_at=NOW)

    error = refuse(signature.version, user=signature.user)

    assert error.code == "already_signed"
    assert error.message == "You signed this version on 1 June 2026. Nothing more is needed."
    assert error.next_url == reverse("licensing:signature", args=[signature.pk])


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (-SECOND, Standing.SIGNED),
        (0 * SECOND, Standing.OUTDATED),
        (SECOND, Standing.OUTDATED),
    ],
)
def test_a_material_change_outdates_a_signature_when_its_grace_ends(
    offset: timedelta, expected: Standing
) -> None:
    signature = SignatureFactory.create()
    change = LicenceVersionFactory.create(
        licence=signature.version.licence, number=2, effective_at=NOW, grace_days=30
    )

    answer = standing(signature.user, change.licence, at=change.grace_ends_at + offset)

    assert change.grace_ends_at == NOW + timedelta(days=30)
    assert answer == expected


def test_grace_of_an_early_publication_runs_from_when_it_takes_effect() -> None:
    signature = SignatureFactory.create()
    change = LicenceVersionFactory.create(
        licence=signature.version.licence,
        number=2,
        published_at=NOW,
        effective_at=NOW + timedelta(days=10),
        grace_days=30,
    )
    end = NOW + timedelta(days=40)

    assert standing(signature.user, change.licence, at=end - SECOND) == Standing.SIGNED
    assert standing(signature.user, change.licence, at=end) == Standing.OUTDATED


def test_a_signature_holds_also_where_no_version_asks_for_one_yet() -> None:
    version = LicenceVersionFactory.create(effective_at=NOW, grace_days=30)
    signature = SignatureFactory.create(version=version)

    assert standing(signature.user, version.licence, at=NOW) == Standing.SIGNED


def test_grace_of_a_late_publication_runs_from_its_publication() -> None:
    signature = SignatureFactory.create()
    change = LicenceVersionFactory.create(
        licence=signature.version.licence,
        number=2,
        effective_at=NOW - timedelta(days=60),
        published_at=NOW,
        grace_days=30,
    )
    end = NOW + timedelta(days=30)

    assert standing(signature.user, change.licence, at=NOW) == Standing.SIGNED
    assert standing(signature.user, change.licence, at=end - SECOND) == Standing.SIGNED
    assert standing(signature.user, change.licence, at=end) == Standing.OUTDATED


def test_without_grace_a_change_binds_when_it_takes_effect_and_not_before() -> None:
    signature = SignatureFactory.create()
    change = LicenceVersionFactory.create(
        licence=signature.version.licence, number=2, effective_at=NOW, grace_days=0
    )

    assert standing(signature.user, change.licence, at=NOW - SECOND) == Standing.SIGNED
    assert standing(signature.user, change.licence, at=NOW) == Standing.OUTDATED


def test_a_change_that_is_not_material_outdates_nobody() -> None:
    signature = SignatureFactory.create()
    LicenceVersionFactory.create(
        licence=signature.version.licence, number=2, effective_at=NOW, is_material=False
    )

    later = NOW + timedelta(days=3650)
    assert standing(signature.user, signature.version.licence, at=later) == Standing.SIGNED


def test_an_immaterial_version_after_a_material_one_does_not_heal_an_old_signature() -> None:
    signature = SignatureFactory.create()
    licence = signature.version.licence
    LicenceVersionFactory.create(licence=licence, number=2, effective_at=NOW, grace_days=0)
    LicenceVersionFactory.create(licence=licence, number=3, effective_at=NOW, is_material=False)

    assert standing(signature.user, licence, at=NOW) == Standing.OUTDATED
    SignatureFactory.create(user=signature.user, version=licence.versions.get(number=3))
    assert standing(signature.user, licence, at=NOW) == Standing.SIGNED


def test_somebody_who_never_signed_is_unsigned_within_any_grace() -> None:
    version = LicenceVersionFactory.create(effective_at=NOW)

    assert standing(UserFactory.create(), version.licence, at=NOW) == Standing.UNSIGNED


def test_a_signature_under_another_licence_counts_for_nothing() -> None:
    signature = SignatureFactory.create()
    other = LicenceVersionFactory.create()

    assert standing(signature.user, other.licence, at=NOW) == Standing.UNSIGNED


def run_together(*jobs: object) -> list[str]:
    """Run each callable on its own connection, and return the codes of refusals, or 'done'."""
    barrier = threading.Barrier(len(jobs))
    answers: list[str] = []

    def run(job: object) -> None:
        try:
            barrier.wait(timeout=10)
            job()  # type: ignore[operator]
            answers.append("done")
        except DomainError as error:
            answers.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return sorted(answers)


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_signature() -> None:
    version, user = LicenceVersionFactory.create(), UserFactory.create()

    def click() -> None:
        sign_licence(user, version=version, legal_name="Ada Byron", capacity=Capacity.SELF)

    assert run_together(click, click) == ["already_signed", "done"]
    assert Signature.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_version_published_meanwhile_waits_for_the_signature_or_refuses_it() -> None:
    version, user = LicenceVersionFactory.create(), UserFactory.create()

    def sign() -> None:
        sign_licence(user, version=version, legal_name="Ada Byron", capacity=Capacity.SELF)

    def publish() -> None:
        publish_version(version.licence, text="New.", effective_at=NOW, is_material=True)

    answers = run_together(sign, publish)

    signed = Signature.objects.count()
    assert answers == (["done", "done"] if signed else ["done", "licence_version_superseded"])
    events = list(AuditEvent.objects.order_by("id").values_list("tag", flat=True))
    first = "licensing.signature.made" if signed else "licensing.version.published"
    assert events[0] == first
