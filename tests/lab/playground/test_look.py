"""A closer look at one token of a run: refusals, and what is calculated from the row."""

from __future__ import annotations

import math
import struct
from typing import Any
from uuid import uuid4

import pytest
import redis

from inference_workers.contract import SamplingParams, row_key
from portal.lab.jobs.models import GenerationJob
from tests.factories.jobs import GenerationJobFactory
from tests.lab.playground.conftest import Desk


def make(desk: Desk, **traits: Any) -> GenerationJob:
    """A run of three prompt tokens and two of the completion."""
    values = {"succeeded": True, "prompt_token_ids": [0, 1, 2], "token_ids": [3, 1], **traits}
    return GenerationJobFactory.create(user=desk.user, model=desk.model, **values)


def look(desk: Desk, job: GenerationJob, part: str, index: object) -> Any:
    address = f"/playground/runs/{job.pk}/distribution/"
    return desk.client.post(address, {"part": part, "index": str(index)})


def find_look() -> GenerationJob:
    return GenerationJob.objects.get(positions__len=1)


@pytest.mark.parametrize(
    ("part", "index", "prompt"),
    [
        ("completion", 0, [0, 1, 2]),
        ("completion", 1, [0, 1, 2, 3]),
        ("prompt", 1, [0]),
        ("prompt", 2, [0, 1]),
    ],
)
def test_a_look_runs_the_tokens_before_the_one_in_question(
    desk: Desk, part: str, index: int, prompt: list[int]
) -> None:
    response = look(desk, make(desk), part, index)

    assert response.status_code == 201
    made = find_look()
    assert (made.prompt_token_ids, made.positions) == (prompt, [len(prompt)])
    assert response.json()["events_url"] == f"/playground/runs/{made.pk}/events/"


@pytest.mark.parametrize(
    ("part", "index", "message"),
    [
        ("completion", 2, "The completion has 2 tokens; count from 0."),
        ("completion", -1, "The completion has 2 tokens; count from 0."),
        ("prompt", 3, "The prompt has 3 tokens; count from 0."),
        ("prompt", 0, "The first token has no distribution: nothing precedes it."),
        ("text", 0, "Name a token by part and index."),
        ("prompt", "one", "Name a token by part and index."),
    ],
)
def test_a_token_that_is_not_there_is_refused(
    desk: Desk, part: str, index: object, message: str
) -> None:
    response = look(desk, make(desk), part, index)

    assert (response.status_code, response.json()["error"]["message"]) == (400, message)


def test_a_run_under_way_has_no_tokens_yet(desk: Desk) -> None:
    response = look(desk, make(desk, succeeded=False, running=True), "prompt", 1)

    assert response.json()["error"]["message"] == (
        "The run is still under way. Look again when it has ended."
    )


def test_a_look_is_no_run_of_the_history(desk: Desk) -> None:
    job = make(desk)
    look(desk, job, "completion", 0)

    page = desk.client.get("/playground/history/")

    assert [row.job.pk for row in page.context["runs"]] == [job.pk]


def read(desk: Desk, valkey: redis.Redis, job: GenerationJob, index: int) -> Any:
    """What a look shows where four tokens have a half, a quarter and twice an eighth."""
    url = look(desk, job, "completion", index).json()["url"]
    made = find_look()
    row = [math.log(chance) for chance in (0.5, 0.25, 0.125, 0.125)]
    valkey.set(row_key(made.pk, made.positions[0]), struct.pack("<4f", *row))
    return desk.client.get(url)


def test_both_distributions_are_told_in_numbers(desk: Desk, valkey: redis.Redis) -> None:
    params = SamplingParams(max_tokens=2, top_k=2, temperature=1.0).model_dump(mode="json")

    body = read(desk, valkey, make(desk, params=params), 1).json()

    assert (body["vocabulary"], body["obstacle"]) == (4, "")
    assert body["entropy"] == pytest.approx(1.75 * math.log(2), abs=1e-6)
    left = body["left"]
    assert (left["tokens"], left["probability"]) == (2, pytest.approx(0.75, abs=1e-6))
    thirds = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert left["entropy"] == pytest.approx(thirds, abs=1e-6)
    assert [(token["id"], round(token["left"], 6)) for token in body["top"]] == [
        (0, 0.666667),
        (1, 0.333333),
        (2, 0),
        (3, 0),
    ]


def test_penalties_count_the_tokens_before_the_one_in_question(
    desk: Desk, valkey: redis.Redis
) -> None:
    """Token 3 was made before; a penalty of ln 4 leaves it a quarter of its eighth."""
    params = SamplingParams(max_tokens=2, presence_penalty=math.log(4))

    body = read(desk, valkey, make(desk, params=params.model_dump(mode="json")), 1).json()

    (seen,) = [token for token in body["top"] if token["id"] == 3]
    assert seen["left"] == pytest.approx(0.03125 / 0.90625, abs=1e-6)


def test_what_cannot_be_told_is_named(desk: Desk, valkey: redis.Redis) -> None:
    params = SamplingParams(max_tokens=2, repetition_penalty=1.2).model_dump(mode="json")

    body = read(desk, valkey, make(desk, params=params), 1).json()

    assert (body["obstacle"], body["left"]) == ("repetition penalty", None)
    assert {token["left"] for token in body["top"]} == {None}


def test_an_expired_row_says_what_to_do(desk: Desk) -> None:
    url = look(desk, make(desk), "completion", 0).json()["url"]

    response = desk.client.get(url)

    assert response.status_code == 503
    assert response.json()["error"]["message"] == (
        "The distributions have expired. Request them again."
    )


def test_others_tokens_cannot_be_looked_at(desk: Desk, valkey: redis.Redis) -> None:
    theirs = GenerationJobFactory.create(succeeded=True, prompt_token_ids=[0], token_ids=[1])
    mine = make(desk)
    look(desk, mine, "completion", 0)
    made = find_look()

    assert look(desk, theirs, "completion", 0).status_code == 404
    for one, other in [(theirs.pk, made.pk), (mine.pk, theirs.pk), (mine.pk, mine.pk)]:
        address = f"/playground/runs/{one}/distribution/{other}/"
        assert desk.client.get(address).status_code == 404
    assert desk.client.get(f"/playground/runs/{mine.pk}/distribution/{uuid4()}/").status_code == 404
