"""On random histories of a licence the gate, the bar, the list and the mails agree."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from portal.gate.access.domain.masthead import read_masthead
from portal.gate.access.domain.reconsent.announcements import ANNOUNCED, announce_changes
from portal.gate.access.domain.reconsent.outdated import (
    OutdatedFilter,
    describe_outdated,
    find_outdated,
)
from portal.gate.licensing.domain.signing import standing
from portal.gate.licensing.enums import Standing
from portal.gate.licensing.models import Licence
from portal.platform.accounts.models import User
from portal.platform.notices.models import Notice
from tests.factories.accounts import UserFactory
from tests.factories.licensing import LicenceFactory, LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.slow

START = datetime(2026, 1, 1, tzinfo=UTC)
LAST = 12
DAYS = st.integers(0, 8)
"""Few days, so that moments often coincide."""

versions = st.lists(
    st.fixed_dictionaries(
        {
            "effective": DAYS,
            "published": DAYS,
            "grace": st.integers(0, 9),
            "is_material": st.sampled_from([True, True, False]),
            "is_signed": st.booleans(),
        }
    ),
    min_size=1,
    max_size=4,
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def publish(licence: Licence, history: list[dict[str, Any]]) -> User:
    user: User = UserFactory.create()
    for number, version in enumerate(history, start=1):
        published = LicenceVersionFactory.create(
            licence=licence,
            number=number,
            effective_at=day(version["effective"]),
            published_at=day(version["published"]),
            grace_days=version["grace"],
            is_material=version["is_material"],
        )
        if version["is_signed"]:
            SignatureFactory.create(user=user, version=published)
    return user


@pytest.mark.django_db
@hypothesis_settings(max_examples=60, deadline=None)
@given(history=versions, now=st.integers(0, LAST))
def test_gate_bar_and_list_say_the_same(history: list[dict[str, Any]], now: int) -> None:
    with transaction.atomic():
        licence = LicenceFactory.create()
        # A version is published before it can be seen here.
        history = [{**version, "published": min(version["published"], now)} for version in history]
        user, at = publish(licence, history), day(now)
        bar = read_masthead(user, at=at).reconsent
        listed = describe_outdated(find_outdated(OutdatedFilter(), at=at), at=at)
        is_outdated = standing(user, licence, at=at) == Standing.OUTDATED
        assert (bar is not None and bar.is_over) == is_outdated
        assert [(row.ends_at, row.is_over) for row in listed] == (
            [(bar.ends_at, bar.is_over)] if bar is not None else []
        )
        transaction.set_rollback(True)


@pytest.mark.django_db
@hypothesis_settings(max_examples=15, deadline=None)
@given(history=versions)
def test_nobody_is_shut_out_unannounced_or_told_twice(history: list[dict[str, Any]]) -> None:
    with transaction.atomic():
        licence = LicenceFactory.create()
        user = publish(licence, history)
        newest = max((n for n, v in enumerate(history, start=1) if v["is_signed"]), default=0)
        was_good = False
        for moment in range(LAST + 1):
            with time_machine.travel(day(moment), tick=False):
                announce_changes(at=day(moment))
                announce_changes(at=day(moment))
            is_good = standing(user, licence, at=day(moment)) == Standing.SIGNED
            if was_good and not is_good:
                assert Notice.objects.filter(recipient=user, kind=ANNOUNCED).exists()
            was_good = is_good
        told = Counter(Notice.objects.values_list("kind", "about"))
        assert set(told.values()) <= {1}
        asked = {
            f"licence-version:{version.pk}"
            for version in licence.versions.filter(is_material=True, number__gt=max(newest, 1))
        }
        assert {about for _, about in told} <= (asked if newest else set())
        transaction.set_rollback(True)
