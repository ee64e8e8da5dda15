"""Every form of access a second before an end, at it and after it; and after a revocation."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import time_machine
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from inference_workers.contract import Cancelled, CancelReason, cancel_key
from portal.gate.access.domain.rights.duration import extend_grants
from portal.gate.access.domain.rights.grants import revoke_grant, suspend_grant
from portal.gate.access.models import Grant
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.gate.renewals.domain.statements import give_back
from portal.lab.jobs.domain.access import cancel_jobs_past_an_end
from portal.lab.jobs.enums import JobState
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.tasks import reap
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.jobs import FakeWorker, GenerationJobFactory, make_researcher
from tests.lab.api.client import ApiClient, client_of
from tests.lab.playground.conftest import Desk
from tests.lab.playground.sse import Reader, in_thread, read_until, serve, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
END = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SHOWN = re.compile(r'data-access-code="(\w+)"')
MOMENTS = [(-SECOND, "ok"), (timedelta(0), "grant_expired"), (SECOND, "grant_expired")]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(END - timedelta(hours=1), tick=False) as frozen:
        yield frozen


@pytest.fixture
def desk(clock: time_machine.Traveller, valkey: redis.Redis, client: Client) -> Desk:
    """A person whose grant ends at END, and their browser."""
    user, model = make_researcher()
    Grant.objects.filter(user=user).update(ends_at=END)
    client.force_login(user)
    return Desk(user, model, client)


def shown(page: Client, path: str) -> list[str]:
    """The codes on a page's elements; none on a page that only describes refusals."""
    response = page.get(path)
    assert response.status_code == 200
    return SHOWN.findall(response.content.decode()) or ["ok"]


def on_pages(desk: Desk) -> dict[str, list[str]]:
    """What every page about access says now."""
    return {
        "playground": shown(desk.client, "/playground/"),
        "model": shown(desk.client, f"/models/{desk.model.slug}/"),
        "access": shown(desk.client, "/access/"),
        "keys": shown(desk.client, "/account/keys/"),
        "run": [start_run(desk)],
    }


def start_run(desk: Desk) -> str:
    """The code of the refusal of a new run in the playground."""
    headers = {"accept": "application/json"}
    response = desk.client.post("/playground/runs/", desk.fields(), headers=headers)
    code: str = response.json().get("error", {}).get("code", "ok")
    assert response.status_code == (201 if code == "ok" else 403)
    return code


async def by_key(api: ApiClient, model: HostedModel) -> tuple[str, list[str]]:
    """The code of the refusal of a completion, and the listed models."""
    # So many that people with access are refused for the number.
    body = {"model": model.slug, "prompt": "Once", "max_tokens": 10**6}
    response = await api.ask("/v1/completions", json=body)
    code = response.json()["error"]["code"]
    assert response.status_code == (400 if code == "context_length_exceeded" else 403)
    listed = [row["id"] for row in (await api.get("/v1/models")).json()["data"]]
    return "ok" if response.status_code == 400 else code, listed


@pytest.mark.parametrize(("offset", "code"), MOMENTS)
def test_every_page_says_it_to_the_second(
    desk: Desk, clock: time_machine.Traveller, offset: timedelta, code: str
) -> None:
    clock.move_to(END + offset)
    assert on_pages(desk) == {
        name: [code] for name in ("playground", "model", "access", "keys", "run")
    }


@pytest.mark.parametrize(("offset", "code"), MOMENTS)
async def test_the_api_says_it_to_the_second(
    desk: Desk, clock: time_machine.Traveller, offset: timedelta, code: str
) -> None:
    api = await in_thread(client_of, desk.user)
    clock.move_to(END + offset)
    listed = [desk.model.slug] if code == "ok" else []
    assert await by_key(api, desk.model) == (code, listed)


def give(grant: Grant, by: User) -> object:
    return give_back(grant, by=grant.user)


ENDS: list[tuple[Callable[[Grant, User], object], str]] = [
    (lambda grant, by: revoke_grant(grant, by=by, reason="Shared."), "revoked"),
    (lambda grant, by: suspend_grant(grant, by=by, reason="A question."), "suspended"),
]


@pytest.mark.parametrize(("end", "code"), ENDS)
def test_a_reviewers_word_reaches_every_page_at_once(
    desk: Desk, end: Callable[[Grant, User], object], code: str
) -> None:
    end(Grant.objects.get(user=desk.user), UserFactory.create(is_reviewer=True))
    assert on_pages(desk) == {
        name: [code] for name in ("playground", "model", "access", "keys", "run")
    }


@pytest.mark.parametrize(("end", "code"), [*ENDS, (give, "grant_expired")])
async def test_it_reaches_every_key_at_once(
    desk: Desk, end: Callable[[Grant, User], object], code: str
) -> None:
    api = await in_thread(client_of, desk.user)
    assert await by_key(api, desk.model) == ("ok", [desk.model.slug])
    grant = await in_thread(Grant.objects.select_related("application", "user", "model").get)
    await in_thread(end, grant, await in_thread(UserFactory.create, is_reviewer=True))
    assert await by_key(api, desk.model) == (code, [])


@pytest.mark.parametrize(("end", "code"), [*ENDS, (give, "grant_expired"), (None, "grant_expired")])
@pytest.mark.parametrize("running", [False, True])
async def test_a_stream_of_the_playground_ends_with_the_same_code(
    desk: Desk,
    clock: time_machine.Traveller,
    valkey: redis.Redis,
    end: Callable[[Grant, User], object] | None,
    code: str,
    running: bool,
) -> None:
    clock.move_to(END - SECOND)
    job = await in_thread(
        GenerationJobFactory.create, user=desk.user, model=desk.model, running=running
    )
    worker = FakeWorker(valkey, job.pk)
    if running:
        worker.start()
        worker.stream(" and")
    async with serve() as site:
        reader = Reader(site, await sign_in(desk.user))
        async with reader.open(job.pk) as (_, messages):
            await read_until(messages, "delta" if running else "state")
            await in_thread(reap)
            assert (await in_thread(job_of, job)).cancel_requested_at is None
            await in_thread(end_now, desk, end, clock)
            if running:
                # What a worker does after the message.
                assert valkey.get(cancel_key(job.pk)) == "access_ended"
                worker.end(Cancelled(reason=CancelReason.ACCESS_ENDED, freed_ms=3))
            message = await read_until(messages, "cancelled")
    assert (message.data["reason"], message.data["code"]) == ("access_ended", code)


def end_now(desk: Desk, end: Callable[[Grant, User], object] | None, clock: Any) -> None:
    """Ended by a person, or by time and the next run of beat."""
    if end is None:
        clock.move_to(END)
        reap()
        return
    grant = Grant.objects.select_related("application", "user", "model").get()
    end(grant, UserFactory.create(is_reviewer=True))


def job_of(job: GenerationJob) -> GenerationJob:
    return GenerationJob.objects.get(pk=job.pk)


@pytest.mark.parametrize(("end", "code"), [*ENDS, (None, "grant_expired")])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_under_way_ends_with_the_same_code(
    desk: Desk,
    clock: time_machine.Traveller,
    end: Callable[[Grant, User], object] | None,
    code: str,
    stream: bool,
) -> None:
    clock.move_to(END - SECOND)
    api = await in_thread(client_of, desk.user)
    body = {"model": desk.model.slug, "prompt": "Once", "max_tokens": 4, "stream": stream}

    async def ask() -> dict[str, Any]:
        response = await api.ask("/v1/completions", json=body)
        if not stream:
            found: dict[str, Any] = response.json()["error"]
            return found
        lines = b"".join([piece async for piece in response.streaming_content]).decode()
        (data,) = re.findall(r'^data: (\{"error".*\})$', lines, re.MULTILINE)
        error: dict[str, Any] = json.loads(data)["error"]
        return error

    async def stop() -> None:
        while not await in_thread(GenerationJob.objects.exists):  # noqa: ASYNC110 -- a request adds it
            await asyncio.sleep(0.01)
        await in_thread(end_now, desk, end, clock)

    error, _ = await asyncio.gather(ask(), stop())
    assert (error["code"], error["type"]) == (code, "permission_error")
    assert error["next_step"].endswith("/access/")


@pytest.mark.parametrize(("offset", "stopped"), [(-SECOND, 0), (timedelta(0), 1), (SECOND, 1)])
def test_a_run_is_stopped_at_the_second(
    desk: Desk, clock: time_machine.Traveller, offset: timedelta, stopped: int
) -> None:
    clock.move_to(END - SECOND)
    job = GenerationJobFactory.create(user=desk.user, model=desk.model)
    GenerationJobFactory.create()  # Another person's, without an ended grant.
    clock.move_to(END + offset)
    assert cancel_jobs_past_an_end(at=timezone.now()) == stopped
    assert cancel_jobs_past_an_end(at=timezone.now()) == 0
    job.refresh_from_db()
    assert job.state == (JobState.CANCELLED if stopped else JobState.QUEUED)


def test_a_run_under_a_grant_that_was_renewed_goes_on(
    desk: Desk, clock: time_machine.Traveller
) -> None:
    clock.move_to(END - SECOND)
    GenerationJobFactory.create(user=desk.user, model=desk.model)
    grant = Grant.objects.get()
    extend_grants_now(grant)
    clock.move_to(END)
    assert cancel_jobs_past_an_end(at=timezone.now()) == 0


def extend_grants_now(grant: Grant) -> None:
    with transaction.atomic():
        extend_grants(
            [grant], by=UserFactory.create(is_reviewer=True), ends_at=END + timedelta(days=9)
        )


def test_what_a_signature_opens_goes_on(desk: Desk, clock: time_machine.Traveller) -> None:
    desk.model.tier = Tier.SIGNATURE
    desk.model.save()
    clock.move_to(END - SECOND)
    GenerationJobFactory.create(user=desk.user, model=desk.model)
    clock.move_to(END)
    assert cancel_jobs_past_an_end(at=timezone.now()) == 0


def test_looking_for_ends_is_one_query(
    desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        GenerationJobFactory.create(user=desk.user, model=desk.model)
    with django_assert_num_queries(1):
        cancel_jobs_past_an_end(at=timezone.now())
