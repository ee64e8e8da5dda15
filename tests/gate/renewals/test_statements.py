"""Giving back, stating destruction, and the list of people who still owe the statement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from portal.gate.access.domain.decide import decide
from portal.gate.access.domain.rights.grants import revoke_grant
from portal.gate.access.enums import Capability, Code, GrantState
from portal.gate.access.models import Grant
from portal.gate.catalog.enums import Tier
from portal.gate.renewals.domain.endings import watch_ends
from portal.gate.renewals.domain.statements import (
    StatementAnswers,
    give_back,
    over_since,
    owed_grants,
    request_owed_statements,
    request_statement,
    state_destruction,
)
from portal.gate.renewals.enums import RenewalState
from portal.gate.renewals.models import Statement
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.licensing import SignatureFactory
from tests.factories.renewals import hand_in
from tests.gate.renewals.conftest import END, HOLDER, make_grant

pytestmark = pytest.mark.django_db
Sent = Callable[[], list[tuple[str, str]]]
DAY = timedelta(days=1)
STATED = StatementAnswers(legal_name="Ada Byron", destroyed_on=date(2027, 5, 17))


def owed(at: object = None) -> list[int]:
    found = owed_grants(at=at or timezone.now())  # type: ignore[arg-type]
    return list(found.order_by("pk").values_list("pk", flat=True))


def test_giving_back_ends_the_right_with_one_mail(
    clock: time_machine.Traveller, grant: Grant, holder: User, sent: Sent
) -> None:
    SignatureFactory.create(user=holder, version=grant.model.release.licence.versions.get())
    assert decide(holder, grant.model, Capability.API, timezone.now()).code == Code.OK
    give_back(grant, by=holder)
    assert grant.state == GrantState.CLOSED
    refused = decide(holder, grant.model, Capability.API, timezone.now())
    assert refused.code == Code.GRANT_EXPIRED
    assert sent() == [(HOLDER, "You have given back your access to Small")]
    tags = list(AuditEvent.objects.values_list("tag", flat=True))
    assert tags == [AuditTag.GRANT_GIVEN_BACK]
    assert owed() == []


def test_with_weights_the_statement_comes_first(
    clock: time_machine.Traveller, holder: User, sent: Sent
) -> None:
    grant = make_grant(holder, weights=True)
    with pytest.raises(DomainError) as refusal:
        give_back(grant, by=holder)
    assert (refusal.value.code, grant.state) == ("statement_missing", GrantState.ACTIVE)
    give_back(grant, by=holder, statement=STATED)
    assert (owed(), sent()) == ([], [(HOLDER, "You have given back your access to Small")])
    event = AuditEvent.objects.get(tag=AuditTag.STATEMENT_MADE)
    assert (event.subject, event.data) == (
        f"grant:{grant.pk}",
        {"destroyed_on": "2027-05-17", "commits": []},
    )


def test_giving_back_takes_the_renewal_with_it(clock: time_machine.Traveller, holder: User) -> None:
    first, second = make_grant(holder), make_grant(holder, name="Large")
    renewal = hand_in([first, second])
    states = []
    for grant in (first, second):
        give_back(grant, by=holder)
        renewal.refresh_from_db()
        states.append(renewal.state)
    assert states == [RenewalState.SUBMITTED, RenewalState.WITHDRAWN]


def test_a_model_that_a_signature_opens_stays_open(
    clock: time_machine.Traveller, grant: Grant, holder: User
) -> None:
    SignatureFactory.create(user=holder, version=grant.model.release.licence.versions.get())
    grant.model.tier = Tier.SIGNATURE
    grant.model.save()
    give_back(grant, by=holder)
    assert decide(holder, grant.model, Capability.PLAYGROUND, timezone.now()).code == Code.OK


def test_a_suspended_right_is_not_given_back_to_escape(
    clock: time_machine.Traveller, holder: User
) -> None:
    grant = make_grant(holder, state=GrantState.SUSPENDED)
    with pytest.raises(DomainError) as refusal:
        give_back(grant, by=holder)
    assert refusal.value.code == "changed_meanwhile"


@pytest.mark.parametrize(
    ("state", "weights", "expected"),
    [
        (GrantState.ACTIVE, True, [False, True, True]),
        (GrantState.SUSPENDED, True, [False, True, True]),
        (GrantState.REVOKED, True, [True, True, True]),
        (GrantState.CLOSED, True, [True, True, True]),
        (GrantState.SUPERSEDED, True, [True, True, True]),
        (GrantState.VOID, True, [False, False, False]),
        (GrantState.ACTIVE, False, [False, False, False]),
        (GrantState.REVOKED, False, [False, False, False]),
    ],
)
def test_who_owes_a_statement_around_the_end(
    state: GrantState, weights: bool, expected: list[bool], holder: User
) -> None:
    grant = make_grant(holder, weights=weights, state=state)
    second = timedelta(seconds=1)
    moments = (END - second, END, END + second)
    assert [grant.pk in owed(at) for at in moments] == expected


def test_of_each_model_only_the_newest_grant_counts(
    clock: time_machine.Traveller, holder: User
) -> None:
    old = make_grant(holder, weights=True, state=GrantState.SUPERSEDED)
    new = GrantFactory.create(
        user=holder,
        model=old.model,
        application=old.application,
        capabilities=old.capabilities,
        starts_at=old.starts_at + DAY,
        ends_at=END + 90 * DAY,
    )
    assert (owed(), owed(END + 91 * DAY)) == ([], [new.pk])


def test_a_statement_settles_it_once(
    clock: time_machine.Traveller, holder: User, sent: Sent
) -> None:
    grant = make_grant(holder, weights=True)
    with pytest.raises(DomainError) as early:
        state_destruction(grant, by=holder, answers=STATED)
    clock.move_to(END)
    state_destruction(grant, by=holder, answers=STATED)
    with pytest.raises(DomainError) as twice:
        state_destruction(grant, by=holder, answers=STATED)
    assert (early.value.code, twice.value.code) == ("not_owed", "already_stated")
    assert sent() == [(HOLDER, "Your statement about Small was received")]
    assert Statement.objects.get().legal_name == "Ada Byron"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"legal_name": " "}, "text_missing", "legal_name"),
        ({"destroyed_on": date(2027, 6, 2)}, "date_in_future", "destroyed_on"),
        ({"destroyed_on": date(2026, 5, 31)}, "date_before_grant", "destroyed_on"),
    ],
)
def test_a_statement_makes_sense(
    changes: dict[str, Any],
    code: str,
    field: str,
    clock: time_machine.Traveller,
    holder: User,
) -> None:
    grant = make_grant(holder, weights=True)
    clock.move_to(END)
    answers = StatementAnswers(**{**vars(STATED), **changes})
    with pytest.raises(DomainError) as refusal:
        state_destruction(grant, by=holder, answers=answers)
    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_nobody_else_makes_the_statement(clock: time_machine.Traveller, holder: User) -> None:
    grant = make_grant(holder, weights=True)
    clock.move_to(END)
    with pytest.raises(DomainError) as refusal:
        state_destruction(grant, by=UserFactory.create(), answers=STATED)
    assert refusal.value.code == "not_your_grant"


@pytest.mark.slow
def test_the_site_asks_every_two_weeks_three_times(
    clock: time_machine.Traveller, holder: User, sent: Sent
) -> None:
    make_grant(holder, weights=True)
    days = []
    for day in range(100):
        clock.move_to(END + day * DAY)
        for _ in range(2):
            watch_ends(at=timezone.now())
        asked = [subject for _, subject in sent() if subject.endswith("is needed")]
        days += [day] * len(asked)
    assert days == [14, 28, 42]
    assert AuditEvent.objects.filter(tag=AuditTag.STATEMENT_ASKED).count() == 3


def test_a_reviewer_asks_at_most_once_a_week(
    clock: time_machine.Traveller, holder: User, reviewers: tuple[User, User], sent: Sent
) -> None:
    grant = make_grant(holder, weights=True)
    revoke_grant(grant, by=reviewers[0], reason="Shared.")
    sent()
    request_statement(grant, by=reviewers[0])
    with pytest.raises(DomainError) as soon:
        request_statement(grant, by=reviewers[1])
    with pytest.raises(DomainError) as stranger:
        request_statement(grant, by=UserFactory.create())
    assert (soon.value.code, stranger.value.code) == ("too_soon", "reviewers_only")
    assert sent() == [(HOLDER, "Your statement about Small is needed")]
    found: Any = owed_grants(at=timezone.now()).get()
    assert (over_since(found), found.asked_at) == (timezone.now(), timezone.now())


def test_one_round_of_asking_is_bounded(clock: time_machine.Traveller) -> None:
    for _ in range(3):
        make_grant(UserFactory.create(), weights=True)
    clock.move_to(END + 14 * DAY)
    counts = [request_owed_statements(at=timezone.now(), limit=2) for _ in range(3)]
    assert counts == [2, 1, 0]
