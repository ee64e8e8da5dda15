"""Two people at once, on two connections: one wins, the other is told who."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from random import Random
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from portal.access.domain.applications import Answers, submit_application, withdraw_application
from portal.access.domain.claims import claim_application
from portal.access.domain.grants import resume_grant, revoke_grant
from portal.access.domain.reviews import approve_application, reject_application, return_application
from portal.access.enums import ApplicationState, Capability, Command, GrantState
from portal.access.models import Application, Grant, Step
from portal.accounts.models import User
from portal.audit.domain.record import find_breaks
from portal.catalog.models import HostedModel
from portal.core.errors import LostRace
from tests.access.conftest import sign
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

Act = Callable[[Application], Step]


def race(load: Callable[[], object], *acts: Callable[..., Step]) -> list[Step | LostRace]:
    """Each act on its own connection, after all of them have read the row."""
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
    """The one winner and the one who lost."""
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
    ann, ben = (UserFactory(is_reviewer=True, name=name) for name in ("Ann", "Ben"))
    pk = ApplicationFactory(models_wanted=[model]).pk
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
    application = ApplicationFactory(models_wanted=[model])
    reviewer = UserFactory(is_reviewer=True)
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
    user = sign(UserFactory(), model)
    pk = ApplicationFactory(applicant=user, is_draft=True).pk
    _, loser = split(
        race(
            lambda: Application.objects.get(pk=pk),
            *[lambda row: submit_application(row, by=user, answers=answers())] * 2,
        )
    )
    assert "submitted by you on " in loser.message
    assert Step.objects.filter(application=pk).count() == 1


def test_a_grant_is_not_resumed_and_revoked_at_once() -> None:
    grant = GrantFactory(state=GrantState.SUSPENDED)
    reviewer = UserFactory(is_reviewer=True)
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


def test_of_two_hundred_races_none_is_won_twice(model: HostedModel) -> None:
    """Any two of claim, return, approve and reject, by two reviewers, at the same instant."""
    ann, ben = (UserFactory(is_reviewer=True, name=name) for name in ("Ann", "Ben"))
    acts: list[Callable[[User], Act]] = [
        lambda by: lambda row: claim_application(row, by=by),
        lambda by: lambda row: return_application(row, by=by, note="Say more."),
        lambda by: approve_as(by, model),
        lambda by: lambda row: reject_application(row, by=by, reason="Commercial."),
    ]
    chance = Random(20261125)
    for _ in range(200):
        pk = ApplicationFactory(models_wanted=[model]).pk
        first, second = (chance.choice(acts)(by) for by in (ann, ben))
        winner, loser = split(race(partial(Application.objects.get, pk=pk), first, second))
        assert f" by {winner.actor.name} on " in loser.message
        application = Application.objects.get(pk=pk)
        assert (application.revision, application.steps.count()) == (1, 1)
        assert application.grants.count() == (winner.command == Command.APPROVE)
    assert find_breaks() == []
