"""The same request decides once, even if a connection breaks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from portal.gate.access.enums import Command
from portal.gate.access.models import Application, Step
from portal.gate.decision_api.models import DecisionRequest
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.gate.decisions.asking import code_of, place, place_of_grant, refusal_of
from tests.lab.api.client import ApiClient, client_of
from tests.lab.playground.sse import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_repeated_request_decides_once(desk: ApiClient, waiting: Application) -> None:
    async def ask(key: str, reason: str = "No.", revision: int = 0) -> Any:
        body = {"revision": revision, "reason": reason}
        return await desk.ask(place(waiting, "refuse"), json=body, **{"Idempotency-Key": key})

    refused = await ask("one", reason=" ")
    assert code_of(refused) == (400, "text_missing")
    answers = [await ask("one"), await ask("one")]
    assert [answer.json()["is_repeat"] for answer in answers] == [False, True]
    assert [answer.json()["at"] for answer in answers] == [answers[0].json()["at"]] * 2
    assert code_of(await ask("one", reason="Other.")) == (400, "idempotency_key_reused")
    assert code_of(await ask("two")) == (409, "changed_meanwhile")
    assert await in_thread(Step.objects.filter(command=Command.REJECT).count) == 1


async def test_a_request_that_is_sent_twice_at_once_decides_once(
    desk: ApiClient, waiting: Application
) -> None:
    body = {"revision": 0, "reason": "No."}
    answers = await asyncio.gather(
        *(
            desk.ask(place(waiting, "refuse"), json=body, **{"Idempotency-Key": "one"})
            for _ in range(4)
        )
    )
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sorted(answer.json()["is_repeat"] for answer in answers) == [False, True, True, True]


async def test_a_command_on_a_grant_is_given_once(desk: ApiClient) -> None:
    grant = await in_thread(GrantFactory.create)
    header = {"Idempotency-Key": "one"}
    body = {"revision": 0, "reason": "A question."}

    first = (await desk.ask(place_of_grant(grant, "suspend"), json=body, **header)).json()
    resumed = await desk.ask(
        place_of_grant(grant, "resume"), json={"revision": 1, "reason": "Answered."}
    )
    again = (await desk.ask(place_of_grant(grant, "suspend"), json=body, **header)).json()

    assert resumed.status_code == 200
    assert (first["command"], first["is_repeat"]) == ("suspend", False)
    assert (again["command"], again["is_repeat"], again["at"]) == ("suspend", True, first["at"])
    # The decision is the one of then, and the grant as it stands now.
    assert (first["grant"]["state"], first["grant"]["revision"]) == ("suspended", 1)
    assert (again["grant"]["state"], again["grant"]["revision"]) == ("active", 2)
    assert await in_thread(Step.objects.filter(command=Command.SUSPEND).count) == 1


async def test_a_key_is_one_persons_and_for_one_address(
    desk: ApiClient, waiting: Application
) -> None:
    header = {"Idempotency-Key": "one"}
    body = {"revision": 0, "reason": "No."}
    other = await in_thread(lambda: client_of(UserFactory.create(is_reviewer=True)))
    grant = await in_thread(GrantFactory.create)
    await desk.ask(place(waiting, "refuse"), json=body, **header)

    elsewhere = await desk.ask(place_of_grant(grant, "suspend"), json=body, **header)
    theirs, again = [
        await other.ask(place_of_grant(grant, "suspend"), json=body, **header) for _ in range(2)
    ]

    assert refusal_of(elsewhere) == (400, "idempotency_key_reused", "Idempotency-Key")
    assert [each.json()["is_repeat"] for each in (theirs, again)] == [False, True]
    assert again.json()["command"] == "suspend"
    assert await in_thread(DecisionRequest.objects.count) == 2


async def test_what_is_refused_leaves_nothing_under_the_key(
    desk: ApiClient, waiting: Application
) -> None:
    long, strange = "k" * 256, "\x7f"
    body: dict[str, Any] = {"revision": 7, "reason": "No."}

    lost = await desk.ask(place(waiting, "refuse"), json=body, **{"Idempotency-Key": "one"})
    unkept = [
        await desk.ask(place(waiting, "refuse"), json=body, **{"Idempotency-Key": key})
        for key in (long, strange)
    ]

    assert code_of(lost) == (409, "changed_meanwhile")
    assert [refusal_of(each) for each in unkept] == [(400, "invalid_value", "Idempotency-Key")] * 2
    assert await in_thread(DecisionRequest.objects.count) == 0
    longest = {"Idempotency-Key": "k" * 255}
    taken = await desk.ask(place(waiting, "refuse"), json={**body, "revision": 0}, **longest)
    assert taken.status_code == 200
