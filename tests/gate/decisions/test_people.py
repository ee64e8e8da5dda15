"""Who may decide by program, and on what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.gate.access.capabilities import RESEARCH_SCOPES
from portal.gate.access.domain.process.reopening import appeal_decision
from portal.gate.access.domain.rights.grants import revoke_grant, suspend_grant
from portal.gate.access.enums import ApplicationState, GrantState
from portal.gate.access.models import Application, Grant
from portal.gate.keys.models import ApiKey
from portal.platform.accounts.models import User
from portal.platform.core.database import in_database
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.teams import MemberFactory, TeamFactory
from tests.gate.decisions.asking import (
    APPLICATIONS,
    GRANTS,
    code_of,
    place,
    place_of_grant,
    state_of,
)
from tests.lab.api.client import ApiClient, client_of
from tests.lab.playground.sse import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
STOPPED = {"suspended": suspend_grant, "revoked": revoke_grant}


async def test_a_key_stops_in_the_moment_in_which_its_owner_loses_the_role(
    desk: ApiClient, reviewer: User, waiting: Application
) -> None:
    def demote() -> None:
        User.objects.filter(pk=reviewer.pk).update(is_reviewer=False)

    assert (await desk.get(place(waiting))).status_code == 200
    await in_database(demote)
    answers = [
        await desk.get(APPLICATIONS),
        await desk.get(GRANTS),
        await desk.ask(place(waiting, "approve"), json={"revision": 0}),
    ]
    assert [code_of(answer) for answer in answers] == [(403, "reviewers_only")] * 3
    assert await state_of(waiting) == ApplicationState.SUBMITTED


async def test_another_scope_decides_nothing(reviewer: User, waiting: Application) -> None:
    client = await in_thread(lambda: client_of(reviewer, scopes=list(RESEARCH_SCOPES)))
    assert code_of(await client.get(place(waiting))) == (403, "key_scope")


async def test_ones_own_application_and_grant_are_not_there(
    desk: ApiClient, reviewer: User
) -> None:
    own, grant = await in_thread(
        lambda: (
            ApplicationFactory.create(applicant=reviewer),
            GrantFactory.create(user=reviewer, application__applicant=reviewer),
        )
    )
    answers = [
        await desk.get(place(own)),
        await desk.ask(place(own, "approve"), json={"revision": 0}),
        await desk.ask(f"{GRANTS}/{grant.pk}/revoke", json={"revision": 0, "reason": "Mine."}),
    ]
    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 3
    assert (await desk.get(GRANTS)).json()["data"] == []


@pytest.mark.parametrize("state", list(STOPPED))
async def test_whose_access_was_stopped_decides_nothing(
    desk: ApiClient, reviewer: User, waiting: Application, state: str
) -> None:
    """Nor does a researcher whose access is as it was; their keys are good for what is theirs."""

    def stop() -> tuple[ApiClient, ApiClient]:
        grant = GrantFactory.create(model=waiting.models_wanted.get())
        STOPPED[state](grant, by=reviewer, reason="A question.")
        return client_of(grant.user), client_of(GrantFactory.create().user)

    clients = await in_thread(stop)
    body = {"revision": 0, "reason": "No."}

    answers = [
        answer
        for client in clients
        for answer in (
            await client.get(APPLICATIONS),
            await client.get(place(waiting)),
            await client.get(GRANTS),
            await client.ask(place(waiting, "refuse"), json=body),
        )
    ]

    assert [code_of(answer) for answer in answers] == [(403, "reviewers_only")] * 8
    assert await state_of(waiting) == "submitted"


@pytest.mark.parametrize("state", list(STOPPED))
async def test_a_reviewer_without_access_of_their_own_goes_on_reviewing(
    desk: ApiClient, reviewer: User, waiting: Application, state: str
) -> None:
    """Reviewing is a role, and no use of a model."""

    def stop() -> None:
        grant = GrantFactory.create(user=reviewer, model=waiting.models_wanted.get())
        by = UserFactory.create(is_reviewer=True)
        STOPPED[state](grant, by=by, reason="A question.")

    await in_thread(stop)
    response = await desk.ask(place(waiting, "refuse"), json={"revision": 0, "reason": "No."})

    assert response.status_code == 200
    assert await state_of(waiting) == "rejected"


async def test_a_revoked_key_a_closed_account_and_no_key(
    desk: ApiClient, reviewer: User, waiting: Application
) -> None:
    async def ask(client: ApiClient = desk) -> tuple[int, str]:
        answer = await client.ask(place(waiting, "refuse"), json={"revision": 0, "reason": "No."})
        return code_of(answer)

    nobody = await ask(ApiClient())
    await in_database(lambda: User.objects.update(is_active=False))
    closed = await ask()
    await in_database(lambda: User.objects.update(is_active=True))
    await in_database(lambda: ApiKey.objects.update(revoked_at=timezone.now()))

    assert [nobody, closed, await ask()] == [
        (401, "invalid_api_key"), (401, "key_revoked"), (401, "key_revoked"),
    ]  # fmt: skip
    assert await state_of(waiting) == "submitted"


async def test_nobody_decides_about_somebody_of_their_team(
    desk: ApiClient, reviewer: User, waiting: Application
) -> None:
    def join() -> Grant:
        team = TeamFactory.create(
            application=ApplicationFactory.create(state=ApplicationState.APPROVED)
        )
        for user in (reviewer, waiting.applicant):
            MemberFactory.create(team=team, user=user)
        return GrantFactory.create(user=waiting.applicant)

    grant = await in_thread(join)
    body: dict[str, Any] = {"revision": 0, "reason": "No."}

    answers = [
        await desk.ask(place(waiting, "approve"), json={"revision": 0}),
        await desk.ask(place(waiting, "refuse"), json=body),
        await desk.ask(place(waiting, "return"), json={"revision": 0, "note": "More."}),
        await desk.ask(place_of_grant(grant, "suspend"), json=body),
        await desk.ask(place_of_grant(grant, "revoke"), json=body),
    ]

    assert [code_of(answer) for answer in answers] == [(403, "own_team")] * 5
    assert await state_of(waiting) == "submitted"
    await in_thread(grant.refresh_from_db)
    assert grant.state == GrantState.ACTIVE


async def test_an_appeal_is_for_fresh_eyes(desk: ApiClient, waiting: Application) -> None:
    other = await in_thread(lambda: client_of(UserFactory.create(is_reviewer=True)))
    await desk.ask(place(waiting, "refuse"), json={"revision": 0, "reason": "No."})

    def appeal() -> None:
        waiting.refresh_from_db()
        appeal_decision(waiting, by=waiting.applicant, text="Read it again.")

    await in_thread(appeal)
    revision = (await desk.get(place(waiting))).json()["revision"]
    same = await desk.ask(place(waiting, "approve"), json={"revision": revision})
    fresh = await other.ask(place(waiting, "approve"), json={"revision": revision})

    assert code_of(same) == (403, "decided_before")
    assert fresh.json()["application"]["status"] == "accepted"


async def test_a_claim_that_has_run_out_holds_no_longer(
    desk: ApiClient, waiting: Application
) -> None:
    def claim() -> None:
        waiting.claimed_by = UserFactory.create(is_reviewer=True, name="Otto")
        waiting.claim_ends_at = timezone.now() - timedelta(seconds=1)
        waiting.save()

    await in_thread(claim)
    read = (await desk.get(place(waiting))).json()
    response = await desk.ask(place(waiting, "approve"), json={"revision": 0})

    assert read["claimed_by"] is None
    assert response.status_code == 200
