from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError
from pytest_django import DjangoCaptureOnCommitCallbacks

from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant, suspend_grant
from portal.gate.access.enums import GrantState
from portal.gate.access.signals import access_ended
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from tests.factories.access import GrantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """What receivers of `access_ended` got."""
    told: list[dict[str, Any]] = []

    def hear(**ended: Any) -> None:
        told.append({key: ended[key] for key in ("user_id", "model_id", "grant_id")})

    access_ended.connect(hear)
    yield told
    access_ended.disconnect(hear)


@pytest.mark.parametrize("command", [suspend_grant, revoke_grant])
def test_those_above_hear_of_an_ended_grant_after_the_commit(
    command: object,
    heard: list[dict[str, Any]],
    reviewer: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    grant = GrantFactory.create()
    with django_capture_on_commit_callbacks(execute=True):
        (suspend_grant if command is suspend_grant else revoke_grant)(
            grant, by=reviewer, reason="Shared."
        )
        assert heard == []
    assert heard == [{"user_id": grant.user_id, "model_id": grant.model_id, "grant_id": grant.pk}]


def test_resuming_ends_nothing(
    heard: list[dict[str, Any]],
    reviewer: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    grant = GrantFactory.create(state=GrantState.SUSPENDED, reason="A question.")
    with django_capture_on_commit_callbacks(execute=True):
        resume_grant(grant, by=reviewer, reason="Answered.")
    assert heard == []
    grant.refresh_from_db()
    assert (grant.state, grant.reason) == (GrantState.ACTIVE, "")


def test_a_receiver_that_fails_stops_neither_the_command_nor_the_others(
    heard: list[dict[str, Any]],
    reviewer: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def fail(**_: Any) -> None:
        raise ConnectionError

    access_ended.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            revoke_grant(GrantFactory.create(), by=reviewer, reason="Shared.")
    finally:
        access_ended.disconnect(fail)
    assert len(heard) == 1


@pytest.mark.parametrize("command", [suspend_grant, resume_grant, revoke_grant])
def test_every_command_on_a_grant_needs_a_reason(command: object, reviewer: User) -> None:
    grant = GrantFactory.create()
    with pytest.raises(DomainError) as refusal:
        command(grant, by=reviewer, reason=" ")  # type: ignore[operator]
    assert (refusal.value.code, refusal.value.field) == ("text_missing", "reason")


def test_the_database_holds_one_grant_a_person_and_model() -> None:
    held = GrantFactory.create()
    with pytest.raises(IntegrityError):
        GrantFactory.create(user=held.user, model=held.model)
