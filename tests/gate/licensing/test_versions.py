from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from portal.gate.licensing.domain.versions import current_version, publish_version
from portal.gate.licensing.models import LicenceVersion
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.licensing import LicenceFactory, LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.django_db

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def test_publishing_keeps_the_bytes_and_records_their_hash() -> None:
    licence = LicenceFactory.create()
    text = "Línea uno\r\nline two\t \n"

    version = publish_version(licence, text=text, effective_at=JANUARY, is_material=True)

    stored = LicenceVersion.objects.get()
    assert stored.text.encode() == text.encode()
    assert stored.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert (stored.pk, stored.number) == (version.pk, 1)
    assert AuditEvent.objects.get().data == {
        "licence": licence.slug,
        "number": 1,
        "sha256": stored.sha256,
    }


def test_numbers_count_up_for_each_licence_apart() -> None:
    first, second = LicenceFactory.create(), LicenceFactory.create()
    for licence, text in ((first, "a"), (first, "b"), (second, "a")):
        publish_version(licence, text=text, effective_at=JANUARY, is_material=False)

    numbers = LicenceVersion.objects.values_list("licence_id", "number").order_by("pk")
    assert list(numbers) == [(first.pk, 1), (first.pk, 2), (second.pk, 1)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("old", "licence_text_unchanged"),
        (" \n", "licence_text_empty"),
        ("a\x00b", "licence_text_not_storable"),
    ],
)
def test_a_text_that_cannot_be_published_is_refused(text: str, code: str) -> None:
    licence = LicenceFactory.create()
    publish_version(licence, text="old", effective_at=JANUARY, is_material=False)

    with pytest.raises(DomainError) as refusal:
        publish_version(licence, text=text, effective_at=JUNE, is_material=True)

    assert (refusal.value.code, refusal.value.field) == (code, "text")
    assert LicenceVersion.objects.count() == 1


def test_current_version_is_the_newest_already_in_force() -> None:
    licence = LicenceFactory.create()
    first = LicenceVersionFactory.create(licence=licence, effective_at=JANUARY)
    second = LicenceVersionFactory.create(licence=licence, number=2, effective_at=JUNE)
    second_before = JUNE - timedelta(seconds=1)

    assert current_version(licence, at=JANUARY - timedelta(seconds=1)) is None
    assert current_version(licence, at=second_before) == first
    assert current_version(licence, at=JUNE) == second


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE licensing_licenceversion SET text = 'kinder'",
        "UPDATE licensing_licenceversion SET effective_at = now()",
        "DELETE FROM licensing_licenceversion",
        "UPDATE licensing_signature SET legal_name = 'Somebody Else'",
        "DELETE FROM licensing_signature",
    ],
)
def test_database_refuses_to_change_what_was_published_or_signed(statement: str) -> None:
    signature = SignatureFactory.create()

    with (
        pytest.raises(IntegrityError, match="never changed or removed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    signature.refresh_from_db()
    assert signature.legal_name == signature.user.name
    assert LicenceVersion.objects.get().text == signature.text
