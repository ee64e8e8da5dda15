"""Making, rotating and revoking keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connection

from portal.gate.access.enums import KeyScope
from portal.gate.keys.domain.authentication import KeyRefused, authenticate_key
from portal.gate.keys.domain.lifecycle import (
    LIVE_KEYS_LIMIT,
    IssuedKey,
    issue_key,
    revoke_key,
    rotate_key,
)
from portal.gate.keys.models import ApiKey
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError, LostRace
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.keys import ApiKeyFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
HOUR = timedelta(hours=1)


@pytest.fixture
def user() -> User:
    return UserFactory.create()


@pytest.fixture
def issued(user: User) -> IssuedKey:
    with time_machine.travel(NOW, tick=False):
        return issue_key(
            user,
            name="  Cluster\tjobs ",
            scopes=[KeyScope.READ, KeyScope.COMPLETIONS],
            models=[HostedModelFactory.create(slug="opt-125m")],
            expires_at=NOW + MONTH,
        )


def works(issued: IssuedKey, *, at: datetime) -> bool:
    try:
        authenticate_key(issued.text, at=at)
    except KeyRefused:
        return False
    return True


def test_only_a_hash_of_the_whole_key_is_stored(issued: IssuedKey) -> None:
    row = ApiKey.objects.values().get()

    assert row["digest"] == sha256(issued.text.encode()).hexdigest()
    assert issued.text[13:] not in repr(row)
    assert issued.text not in repr(issued)


def test_a_new_key_is_recorded(issued: IssuedKey, user: User) -> None:
    event = AuditEvent.objects.get(tag=AuditTag.KEY_ISSUED)

    assert (event.actor, event.subject) == (user, f"key:{issued.key.lookup}")
    assert event.data == {
        "user": user.pk,
        "scopes": ["completions", "read"],
        "models": ["opt-125m"],
        "expires_at": "2026-12-23T12:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "bell\a"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"expires_at": NOW}, "expires_at"),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_a_key_that_makes_no_sense_is_refused(
    user: User, changes: dict[str, Any], field: str
) -> None:
    wanted = {"name": "Key", "scopes": [KeyScope.READ], **changes}

    with pytest.raises(DomainError) as refusal:
        issue_key(user, **wanted)

    assert (refusal.value.code, refusal.value.field) == ("invalid_value", field)
    assert ApiKey.objects.count() == 0


def test_a_closed_account_gets_no_key(user: User) -> None:
    User.objects.update(is_active=False)

    with pytest.raises(DomainError) as refusal:
        issue_key(user, name="Key", scopes=[KeyScope.READ])

    assert refusal.value.code == "account_closed"


def test_dead_and_outgoing_keys_do_not_count_against_the_limit(user: User) -> None:
    keys = ApiKeyFactory.create_batch(LIVE_KEYS_LIMIT, user=user)
    with pytest.raises(DomainError) as refusal:
        issue_key(user, name="One too many", scopes=[KeyScope.READ])
    assert refusal.value.code == "too_many_keys"

    rotate_key(keys[0], overlap=HOUR)
    revoke_key(keys[1])
    issue_key(user, name="In its place", scopes=[KeyScope.READ])

    with pytest.raises(DomainError):
        issue_key(user, name="One too many", scopes=[KeyScope.READ])


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_pass_the_limit_together() -> None:
    user = UserFactory.create()
    ApiKeyFactory.create_batch(LIVE_KEYS_LIMIT - 1, user=user)
    start = Barrier(2)

    def issue(_: int) -> str:
        start.wait()
        try:
            issue_key(user, name="Last", scopes=[KeyScope.READ])
        except DomainError as error:
            return error.code
        finally:
            connection.close()
        return "made"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(issue, range(2))) == ["made", "too_many_keys"]


def test_after_a_rotation_both_keys_work_for_the_chosen_time(issued: IssuedKey) -> None:
    with time_machine.travel(NOW + HOUR, tick=False):
        new = rotate_key(issued.key, overlap=HOUR)

    moments = [NOW + HOUR, NOW + 2 * HOUR - timedelta(seconds=1), NOW + 2 * HOUR]
    assert [works(issued, at=moment) for moment in moments] == [True, True, False]
    assert [works(new, at=moment) for moment in moments] == [True, True, True]


def test_a_rotated_key_carries_everything_over(issued: IssuedKey) -> None:
    with time_machine.travel(NOW + HOUR, tick=False):
        new = rotate_key(issued.key, overlap=HOUR)

    assert (new.key.name, new.key.scopes) == ("Cluster jobs", ["completions", "read"])
    assert [model.slug for model in new.key.allowed_models.all()] == ["opt-125m"]
    assert new.key.expires_at == NOW + HOUR + MONTH
    assert new.key.predecessor == issued.key
    assert new.text != issued.text


def test_no_overlap_ends_the_old_key_at_once(issued: IssuedKey) -> None:
    with time_machine.travel(NOW + HOUR, tick=False):
        rotate_key(issued.key, overlap=timedelta(0))

    assert not works(issued, at=NOW + HOUR)


def test_an_overlap_does_not_prolong_the_old_key(issued: IssuedKey) -> None:
    with time_machine.travel(NOW + MONTH - HOUR, tick=False):
        rotate_key(issued.key, overlap=timedelta(days=7))

    assert not works(issued, at=NOW + MONTH)


def test_a_key_without_end_is_followed_by_one(user: User) -> None:
    new = rotate_key(ApiKeyFactory.create(user=user), overlap=HOUR)

    assert new.key.expires_at is None


def test_a_rotation_is_recorded(issued: IssuedKey, user: User) -> None:
    with time_machine.travel(NOW, tick=False):
        new = rotate_key(issued.key, overlap=HOUR)

    event = AuditEvent.objects.get(tag=AuditTag.KEY_ROTATED)
    assert (event.actor, event.subject) == (user, f"key:{new.key.lookup}")
    assert event.data["replaces"] == f"key:{issued.key.lookup}"
    assert event.data["old_expires_at"] == "2026-11-23T13:00:00+00:00"


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=31)])
def test_an_overlap_that_makes_no_sense_is_refused(issued: IssuedKey, overlap: timedelta) -> None:
    with pytest.raises(DomainError) as refusal:
        rotate_key(issued.key, overlap=overlap)

    assert (refusal.value.code, refusal.value.field) == ("invalid_value", "overlap")


@time_machine.travel(NOW, tick=False)
def test_a_key_is_rotated_once(issued: IssuedKey) -> None:
    rotate_key(issued.key, overlap=HOUR)

    with pytest.raises(LostRace):
        rotate_key(issued.key, overlap=HOUR)

    assert ApiKey.objects.count() == 2


@time_machine.travel(NOW, tick=False)
def test_a_dead_key_is_not_rotated(issued: IssuedKey) -> None:
    revoke_key(issued.key)

    with pytest.raises(LostRace):
        rotate_key(issued.key, overlap=HOUR)


def test_a_revocation_counts_once(issued: IssuedKey, user: User) -> None:
    revoke_key(issued.key)
    first = ApiKey.objects.get().revoked_at

    with pytest.raises(LostRace):
        revoke_key(issued.key)

    assert ApiKey.objects.get().revoked_at == first
    event = AuditEvent.objects.get(tag=AuditTag.KEY_REVOKED)
    assert (event.actor, event.subject, event.data) == (
        user,
        f"key:{issued.key.lookup}",
        {"user": user.pk},
    )


def test_closing_an_account_is_recorded_for_each_key(user: User) -> None:
    keys = ApiKeyFactory.create_batch(2, user=user)
    other = ApiKeyFactory.create()
    user.is_active = False

    user.save(update_fields=["is_active"])

    assert list(ApiKey.objects.filter(revoked_at=None)) == [other]
    events = AuditEvent.objects.filter(tag=AuditTag.KEY_REVOKED)
    assert [(event.subject, event.data["reason"]) for event in events.order_by("pk")] == [
        (f"key:{key.lookup}", "account_closed") for key in keys
    ]


def test_only_a_reviewer_makes_a_key_for_decisions(db: None) -> None:
    with pytest.raises(DomainError) as caught:
        issue_key(UserFactory.create(), name="Key", scopes=[KeyScope.DECISIONS])
    assert (caught.value.code, caught.value.field) == ("reviewers_only", "scopes")
    issued = issue_key(
        UserFactory.create(is_reviewer=True), name="Key", scopes=[KeyScope.DECISIONS]
    )
    assert issued.key.scopes == ["decisions"]
