from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from portal.gate.licensing.domain.reading import read_licence
from tests.factories.licensing import LicenceFactory, LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ANYBODY = AnonymousUser()


def test_without_a_version_there_is_nothing_to_read() -> None:
    assert read_licence(LicenceFactory.create(), reader=ANYBODY, at=NOW) is None


def test_version_in_force_is_shown_by_default_and_others_by_number() -> None:
    first = LicenceVersionFactory.create()
    second = LicenceVersionFactory.create(licence=first.licence, number=2, effective_at=NOW)
    third = LicenceVersionFactory.create(
        licence=first.licence, number=3, effective_at=NOW + timedelta(days=1)
    )

    by_default = read_licence(first.licence, reader=ANYBODY, at=NOW)
    older = read_licence(first.licence, reader=ANYBODY, at=NOW, number=1)
    newer = read_licence(first.licence, reader=ANYBODY, at=NOW, number=3)

    assert by_default is not None
    assert older is not None
    assert newer is not None
    assert (by_default.version, by_default.is_current, by_default.is_future) == (
        second,
        True,
        False,
    )
    assert (older.version, older.is_current, older.is_future) == (first, False, False)
    assert (newer.version, newer.is_current, newer.is_future) == (third, False, True)
    assert read_licence(first.licence, reader=ANYBODY, at=NOW, number=4) is None


def test_a_licence_that_is_only_to_come_can_be_read_already() -> None:
    version = LicenceVersionFactory.create(effective_at=NOW + timedelta(days=1))

    reading = read_licence(version.licence, reader=ANYBODY, at=NOW)

    assert reading is not None
    assert (reading.version, reading.current, reading.is_future) == (version, None, True)


def test_grace_is_named_only_where_a_signature_can_be_outdated() -> None:
    first = LicenceVersionFactory.create()
    LicenceVersionFactory.create(licence=first.licence, number=2, effective_at=NOW, grace_days=7)

    original = read_licence(first.licence, reader=ANYBODY, at=NOW, number=1)
    changed = read_licence(first.licence, reader=ANYBODY, at=NOW)

    assert original is not None
    assert changed is not None
    assert original.grace_ends_at is None
    assert changed.grace_ends_at == NOW + timedelta(days=7)


def test_only_the_readers_own_signature_of_this_version_is_shown() -> None:
    signature = SignatureFactory.create()
    SignatureFactory.create(version=signature.version)
    second = LicenceVersionFactory.create(
        licence=signature.version.licence, number=2, effective_at=NOW
    )

    signed = read_licence(second.licence, reader=signature.user, at=NOW, number=1)
    unsigned = read_licence(second.licence, reader=signature.user, at=NOW)

    assert signed is not None
    assert unsigned is not None
    assert signed.signature == signature
    assert unsigned.signature is None
