"""Two people at the same time, on two connections: one wins, the other learns who."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from random import Random
from threading import Barrier
from time import monotonic

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.desk.claims import claim_application
from portal.gate.access.domain.process.applications import (
    Answers,
    submit_application,
    withdraw_application,
)
from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant
from portal.gate.access.enums import ApplicationState, Capability, Command, GrantState
from portal.gate.access.models import Application, Grant, Step
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.notices.domain.outbox import compose
from portal.platform.notices.domain.sending import send_notice
from portal.platform.notices.models import Notice
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.gate.access.conftest import sign

pytestmark = pytest.mark.django_db(transaction=True)

Act = Callable[[Application], Step]


def race(load: Callable[[], object], *acts: Callable[..., Step]) -> list[Step | LostRace]:
    """Run each action on its own connection, after all have read the row."""
    have_read = Barrier(len(acts), timeout=10)

    def run(act: Callable[..., Step]) -> Step | LostRace:
        try:
            row = load()
            have_read.wait()
            return act(row)
        except LostRace as lost:
            return lost
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def split(outcomes: list[Step | LostRace]) -> tuple[Step, LostRace]:
    """The winner and the loser."""
    (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Step)]
    (loser,) = [outcome for outcome in outcomes if isinstance(outcome, LostRace)]
    return winner, loser


def approve_as(by: User, model: HostedModel) -> Act:
    return lambda row: approve_application(
        row,
        by=by,
        models=[model],
        capabilities=[Capability.PLAYGROUND],
        ends_at=timezone.now() + timedelta(days=30),
    )


def test_of_approve_and_reject_exactly_one_wins_and_the_other_is_told_who(
    model: HostedModel,
) -> None:
    ann, ben = (UserFactory.create(is_reviewer=True, name=name) for name in ("Ann", "Ben"))
    pk = ApplicationFactory.create(models_wanted=[model]).pk
    winner, loser = split(
        race(
            lambda: Application.objects.get(pk=pk),
            approve_as(ann, model),
            lambda row: reject_application(row, by=ben, reason="Commercial."),
        )
    )
    application = Application.objects.get(pk=pk)
    expected = {Command.APPROVE: (ApplicationState.APPROVED, "Ann", 1)}.get(
        Command(winner.command), (ApplicationState.REJECTED, "Ben", 0)
    )
    state, name, grants = expected
    assert (application.state, application.grants.count()) == (state, grants)
    assert application.steps.count() == 1
    assert loser.message == (
        f"Nothing was changed. This application is now “{state}”: {state} by {name} "
        f"on {winner.at:%d %B %Y at %H:%M} UTC."
    )
    assert find_breaks() == []


def test_an_application_withdrawn_at_the_same_moment_is_not_approved(model: HostedModel) -> None:
    application = ApplicationFactory.create(models_wanted=[model])
    reviewer = UserFactory.create(is_reviewer=True)
    winner, _ = split(
        race(
            lambda: Application.objects.select_related("applicant").get(pk=application.pk),
            approve_as(reviewer, model),
            lambda row: withdraw_application(row, by=row.applicant),
        )
    )
    application.refresh_from_db()
    assert (application.state == ApplicationState.APPROVED) == (winner.command == Command.APPROVE)
    assert application.grants.count() == (winner.command == Command.APPROVE)


def test_submitting_twice_at_once_submits_once(
    model: HostedModel, answers: Callable[..., Answers]
) -> None:
    user = sign(UserFactory.create(), model)
    pk = ApplicationFactory.create(applicant=user, is_draft=True).pk
    _, loser = split(
        race(
            lambda: Application.objects.get(pk=pk),
            *[lambda row: submit_application(row, by=user, answers=answers())] * 2,
        )
    )
    assert "submitted by you on " in loser.message
    assert Step.objects.filter(application=pk).count() == 1


def test_a_grant_is_not_resumed_and_revoked_at_once() -> None:
    grant = GrantFactory.create(state=GrantState.SUSPENDED)
    reviewer = UserFactory.create(is_reviewer=True)
    winner, _ = split(
        race(
            lambda: Grant.objects.get(pk=grant.pk),
            lambda row: resume_grant(row, by=reviewer, reason="Answered."),
            lambda row: revoke_grant(row, by=reviewer, reason="Shared."),
        )
    )
    grant.refresh_from_db()
    states = {Command.RESUME: GrantState.ACTIVE, Command.REVOKE: GrantState.REVOKED}
    assert grant.state == states[Command(winner.command)]
    assert grant.steps.count() == 1


@pytest.mark.slow
def test_of_two_hundred_races_none_is_won_twice(model: HostedModel) -> None:
    """Any two of claim, return, approve and reject, by two reviewers, at the same instant."""
    ann, ben = (UserFactory.create(is_reviewer=True, name=name) for name in ("Ann", "Ben"))
    acts: list[Callable[[User], Act]] = [
        lambda by: lambda row: claim_application(row, by=by),
        lambda by: lambda row: return_application(row, by=by, note="Say more."),
        lambda by: approve_as(by, model),
        lambda by: lambda row: reject_application(row, by=by, reason="Commercial."),
    ]
    chance = Random(20261125)
    for _ in range(200):
        pk = ApplicationFactory.create(models_wanted=[model]).pk
        first, second = (chance.choice(acts)(by) for by in (ann, ben))
        winner, loser = split(race(partial(Application.objects.get, pk=pk), first, second))
        assert winner.actor is not None
        assert f" by {winner.actor.name} on " in loser.message
        application = Application.objects.get(pk=pk)
        assert (application.revision, application.steps.count()) == (1, 1)
        assert application.grants.count() == (winner.command == Command.APPROVE)
    assert find_breaks() == []


def test_a_decision_is_told_or_taken_back_when_both_are_tried_at_once(
    model: HostedModel, settings: Settings
) -> None:
    """The reviewer's clock is still within the hold, the sender's is past it."""
    settings.DECISION_HOLD_SECONDS = 600
    ann = UserFactory.create(is_reviewer=True, name="Ann")
    for _ in range(20):
        application = ApplicationFactory.create(models_wanted=[model])
        step = reject_application(application, by=ann, reason="Commercial.")
        Notice.objects.filter(data={"step": step.pk}).update(due_at=timezone.now())
        notice = Notice.objects.get(data={"step": step.pk})
        mail.outbox.clear()
        is_taken_back, is_sent = both_at_once(
            partial(take_back, application, by=ann), partial(send_notice, notice.pk)
        )
        step.refresh_from_db()
        assert is_taken_back != is_sent
        assert (len(mail.outbox), step.told_at is not None) == (is_sent, is_sent)
        assert (step.ruling.taken_back_at is not None) == is_taken_back
    assert find_breaks() == []


def test_a_sender_waits_for_a_decision_that_is_being_taken_back(
    model: HostedModel, settings: Settings
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    ann = UserFactory.create(is_reviewer=True, name="Ann")
    application = ApplicationFactory.create(models_wanted=[model])
    step = reject_application(application, by=ann, reason="Commercial.")
    notice = Notice.objects.get(data={"step": step.pk})
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            take_back_decision(application, by=ann)
            is_told = pool.submit(tell, notice)
            wait_until_somebody_waits_for_us()
        assert is_told.result(timeout=10) is False


def test_a_decision_that_is_being_told_is_not_taken_back(
    model: HostedModel, settings: Settings
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    ann = UserFactory.create(is_reviewer=True, name="Ann")
    application = ApplicationFactory.create(models_wanted=[model])
    step = reject_application(application, by=ann, reason="Commercial.")
    notice = Notice.objects.get(data={"step": step.pk})
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert compose(notice) is True
            is_taken_back = pool.submit(take_back, application, by=ann)
            wait_until_somebody_waits_for_us()
        assert is_taken_back.result(timeout=10) is False
    step.ruling.refresh_from_db()
    assert step.ruling.taken_back_at is None


def both_at_once(*acts: Callable[[], bool]) -> list[bool]:
    """Run each action on its own connection, at the same instant."""
    start = Barrier(len(acts), timeout=10)

    def run(act: Callable[[], bool]) -> bool:
        try:
            start.wait()
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def take_back(application: Application, *, by: User) -> bool:
    """Take the decision back on a separate connection, and return whether that worked."""
    try:
        take_back_decision(Application.objects.get(pk=application.pk), by=by)
    except DomainError as refusal:
        if refusal.code != "hold_over":
            raise
        return False
    finally:
        connection.close()
    return True


def tell(notice: Notice) -> bool:
    """Compose like a sender, on a separate connection."""
    try:
        with transaction.atomic():
            return compose(notice)
    finally:
        connection.close()


def wait_until_somebody_waits_for_us() -> None:
    """Wait until another connection is blocked by ours; fails after ten seconds."""
    deadline = monotonic() + 10
    query = "SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    while monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(query)
            if cursor.fetchone():
                return
    raise AssertionError("no connection waits")
