"""Several samples of one prompt, from the editor."""

from __future__ import annotations

import pytest

from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.models import Node
from tests.lab.playground.conftest import Desk

RUNS = "/playground/runs/"


def ids() -> list[str]:
    return [str(pk) for pk in GenerationJob.objects.order_by("pk").values_list("pk", flat=True)]


def test_samples_are_runs_of_one_prompt_with_seeds_of_their_own(desk: Desk) -> None:
    response = desk.client.post(RUNS, desk.fields(n="3", seed="7"))

    address, _, named = response.headers["Location"].partition("?runs=")
    assert (address, sorted(named.split(","))) == ("/playground/compare/", ids())
    jobs = GenerationJob.objects.all()
    assert {job.prompt for job in jobs} == {"Once upon a time"}
    assert sorted(job.params["seed"] for job in jobs) == [7, 1_000_010, 2_000_013]
    assert Node.objects.values("tree").distinct().count() == 1


def test_a_script_is_sent_to_the_page_of_the_samples(desk: Desk) -> None:
    accept = {"Accept": "application/json, text/event-stream"}
    response = desk.client.post(RUNS, desk.fields(n="2"), headers=accept)

    assert response.status_code == 201
    address, _, named = response.json()["url"].partition("?runs=")
    assert (address, sorted(named.split(","))) == ("/playground/compare/", ids())


def test_a_text_is_scored_once(desk: Desk) -> None:
    desk.client.post(RUNS, desk.fields(n="5", only_score="1", logprobs="1"))

    assert GenerationJob.objects.get().params["max_tokens"] == 0


@pytest.mark.parametrize(
    ("n", "message"),
    [
        ("0", "Samples is between 1 and 16."),
        ("17", "Samples is between 1 and 16."),
        ("many", "Samples is a number between 1 and 16."),
    ],
)
def test_a_wrong_number_is_named_beside_its_field(desk: Desk, n: str, message: str) -> None:
    response = desk.client.post(RUNS, desk.fields(n=n))

    assert response.status_code == 422
    assert response.context["form"].errors == {"n": [message]}
    assert not GenerationJob.objects.exists()
