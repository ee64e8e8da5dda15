"""The page of a person's usage, and its file."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import cast

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponseBase
from django.test import AsyncClient, Client
from pytest_django import DjangoAssertNumQueries

from portal.lab.jobs.domain import usage_export
from portal.lab.jobs.domain.usage_export import COLUMNS
from portal.lab.jobs.enums import Origin
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory
from tests.factories.keys import ApiKeyFactory
from tests.factories.usage import CallFactory

PAGE = "/account/usage/"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_an_empty_page_says_so(client: Client) -> None:
    client.force_login(UserFactory.create())

    page = client.get(PAGE)

    assert page.status_code == 200
    assert page.content.decode().count("<h2>No runs in the last 30 days</h2>") == 1


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3])
def test_the_page_costs_the_same_whatever_it_holds(
    client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = UserFactory.create()
    client.force_login(user)
    for _ in range(count):
        GenerationJobFactory.create(
            user=user, call=CallFactory.create(user=user), origin=Origin.API
        )
    client.get(PAGE)

    with django_assert_num_queries(10):
        page = client.get(PAGE)

    assert len(page.context["history"].doors) == count


def make_runs() -> tuple[User, list[list[str]]]:
    """Three runs of a person, one of another person, and the expected lines."""
    user = UserFactory.create()
    model = HostedModelFactory.create(slug="opt-125m")
    call = CallFactory.create(user=user, key=ApiKeyFactory.create(user=user, name="=1+1"))
    of_api = {"call": call, "origin": Origin.API, "created_at": NOW, "prompt": "A secret"}
    jobs = [
        GenerationJobFactory.create(user=user, model=model, created_at=NOW - timedelta(hours=1)),
        *sorted(
            GenerationJobFactory.create_batch(2, user=user, model=model, succeeded=True, **of_api),
            key=lambda job: job.pk,
        ),
    ]
    GenerationJobFactory.create()
    at = NOW.isoformat()
    return user, [
        [str(jobs[0].pk), "2026-11-23T11:00:00+00:00", "opt-125m", "playground", "", "", "",
         "queued"],
        [str(jobs[1].pk), at, "opt-125m", "api", "'=1+1", "3", "2", "succeeded"],
        [str(jobs[2].pk), at, "opt-125m", "api", "'=1+1", "3", "2", "succeeded"],
    ]  # fmt: skip


def download(user: User | None) -> tuple[HttpResponseBase, str]:
    """In one event loop, with this thread's connection."""

    async def ask() -> tuple[HttpResponseBase, str]:
        client = AsyncClient()
        if user:
            await client.aforce_login(user)
        response = await client.get(f"{PAGE}usage.csv")
        if not response.streaming:
            return response, ""
        pieces = [piece async for piece in cast("AsyncIterator[bytes]", response)]
        return response, b"".join(pieces).decode()

    return async_to_sync(ask)()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_the_file_has_one_line_for_each_run_and_no_prompt(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(usage_export, "PAGE", size)
    user, lines = make_runs()

    response, text = download(user)

    assert list(csv.reader(StringIO(text))) == [list(COLUMNS), *lines]
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="usage.csv"'


@pytest.mark.django_db
def test_a_stranger_signs_in_first() -> None:
    response, text = download(None)

    assert (response.status_code, text) == (302, "")
    assert response["Location"].split("?")[0] == "/account/login/"
