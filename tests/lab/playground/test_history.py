"""Searching one's runs, and taking them away as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from portal.lab.jobs.domain.receipts import write_receipt
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.domain.records import note
from portal.lab.notebook.models import Project
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory
from tests.lab.playground.conftest import Desk

HISTORY = "/playground/history/"
EXPORT = "/playground/history/export/"
UNNOTED = {"name": "", "is_starred": False, "project": None, "parent": None}


def make(desk: Desk, prompt: str, text: str = "", **traits: Any) -> GenerationJob:
    values = {"user": desk.user, "model": desk.model, "succeeded": True}
    return GenerationJobFactory.create(**{**values, **traits}, prompt=prompt, text=text)


def found(desk: Desk, **fields: str) -> list[str]:
    response = desk.client.post(HISTORY, fields)
    assert response.status_code == 200
    return [row.excerpt for row in response.context["runs"]]


def test_words_are_found_in_prompts_and_completions_whatever_their_case(desk: Desk) -> None:
    make(desk, "one", " swallow")
    make(desk, "two Swallows")
    make(desk, "three")

    assert found(desk, words="SWALLOW") == ["two Swallows", "one"]
    assert found(desk, words="fourth") == []


@pytest.mark.parametrize("sign", ["%", "_", "\\"])
def test_signs_of_patterns_are_searched_as_they_are(desk: Desk, sign: str) -> None:
    make(desk, "plain")
    make(desk, f"a{sign}b")

    assert found(desk, words=sign) == [f"a{sign}b"]


def test_model_and_state_narrow_the_list(desk: Desk) -> None:
    other = HostedModelFactory.create()
    make(desk, "here")
    make(desk, "there", model=other)
    make(desk, "failed", succeeded=False, failed=True)

    assert found(desk, model=other.slug) == ["there"]
    assert found(desk, state="failed") == ["failed"]
    assert found(desk, model=other.slug, state="failed") == []


def test_nobody_finds_others_runs_or_those_of_the_api(desk: Desk) -> None:
    GenerationJobFactory.create(prompt="of somebody else", succeeded=True)
    make(desk, "of a key", origin=Origin.API)
    make(desk, "of mine")

    assert found(desk, words="of") == ["of mine"]


def test_an_address_searches_nothing(desk: Desk) -> None:
    make(desk, "one")

    response = desk.client.get(HISTORY, {"words": "two"})

    assert [row.excerpt for row in response.context["runs"]] == ["one"]


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"words": "x" * 1001}, {"words": ["A search has at most 1000 characters."]}),
        ({"words": "a\0b"}, {"words": ["The search contains a character that is not text."]}),
        ({"model": "unknown"}, {"model": ["Choose one of the models in the list."]}),
        ({"state": "unknown"}, {"state": ["Choose one of the states in the list."]}),
    ],
)
@pytest.mark.parametrize("address", [HISTORY, EXPORT])
def test_what_cannot_be_searched_is_named_beside_its_field(
    desk: Desk, address: str, fields: dict[str, str], errors: dict[str, list[str]]
) -> None:
    response = desk.client.post(address, {"format": "csv", **fields})

    assert response.status_code == 422
    assert response.context["form"].errors == errors


def test_the_found_have_pages_too(desk: Desk) -> None:
    for number in range(21):
        make(desk, f"run {number}")
    make(desk, "other")

    assert len(found(desk, words="run")) == 20
    assert found(desk, words="run", page="2") == ["run 0"]


def download(desk: Desk, **fields: str) -> tuple[str, str]:
    """The name of the file and its text, in one event loop."""

    async def ask() -> tuple[str, str]:
        client = AsyncClient()
        await client.aforce_login(desk.user)
        response = await client.post(EXPORT, fields)
        pieces = [piece async for piece in cast("AsyncIterator[bytes]", response)]
        return response.headers["Content-Disposition"], b"".join(pieces).decode()

    return async_to_sync(ask)()


@pytest.mark.django_db(transaction=True)
def test_each_line_of_the_file_is_a_receipt_the_oldest_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.lab.notebook.domain.exports.PAGE", 2)
    jobs = [make(desk, f"run {number}", "é\n") for number in range(5)]
    make(desk, "other")

    disposition, text = download(desk, words="run", format="jsonl")

    assert disposition == 'attachment; filename="runs.jsonl"'
    assert [json.loads(line) for line in text.splitlines()] == [
        {**json.loads(json.dumps(write_receipt(job))), "notes": UNNOTED} for job in jobs
    ]


@pytest.mark.django_db(transaction=True)
def test_a_spreadsheet_has_a_row_for_each_run_and_runs_no_formula(desk: Desk) -> None:
    job = make(desk, "=1+1", "two")
    project = Project.objects.create(user=desk.user, name="Sums", created_at=job.created_at)
    note(job, name="+1", is_starred=True, project=project)

    _, text = download(desk, format="csv")
    (row,) = csv.DictReader(io.StringIO(text))

    assert row == {
        "id": str(job.pk),
        "created_at": job.created_at.isoformat(),
        "model": desk.model.slug,
        "state": "succeeded",
        "finish_reason": "stop",
        "prompt_tokens": "3",
        "completion_tokens": "2",
        "sampling": json.dumps(job.params, sort_keys=True),
        "prompt": "'=1+1",
        "text": "two",
        "name": "'+1",
        "is_starred": "True",
        "project": "Sums",
        "parent": "",
    }


def test_an_unknown_format_shows_the_list(desk: Desk) -> None:
    make(desk, "one")

    response = desk.client.post(EXPORT, {"format": "exe"})

    assert (response.status_code, len(response.context["runs"])) == (200, 1)
