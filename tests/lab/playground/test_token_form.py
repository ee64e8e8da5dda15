"""Asking for log-probabilities in the form, and reading them without scripts."""

from __future__ import annotations

import re

import pytest
import redis

from inference_workers.contract import SamplingParams, tokenizer_key
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from tests.factories.jobs import GenerationJobFactory, beat
from tests.lab.api.conftest import TOKENIZER, ids_of
from tests.lab.playground.conftest import Desk

CREATE = "/playground/runs/"
NONE = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (16, None, None)),
        ({"logprobs": "0"}, (16, 0, None)),
        ({"logprobs": "7"}, (16, 7, None)),
        ({"logprobs": "7", "prompt_logprobs": "prompt"}, (16, 7, 7)),
        ({"prompt_logprobs": "prompt"}, (16, None, None)),
        ({"logprobs": "7", "only_score": "1"}, (0, 7, 7)),
        ({"only_score": "1"}, (0, None, 0)),
    ],
)
def test_the_form_asks_for_as_many_as_it_shows(
    desk: Desk, valkey: redis.Redis, fields: dict[str, str], expected: tuple[int | None, ...]
) -> None:
    beat(valkey)

    assert desk.client.post(CREATE, desk.fields(**fields)).status_code == 302

    params = SamplingParams.model_validate(GenerationJob.objects.get().params)
    assert (params.max_tokens, params.logprobs, params.prompt_logprobs) == expected


def test_more_than_the_page_shows_is_refused_by_its_name(desk: Desk) -> None:
    response = desk.client.post(CREATE, desk.fields(logprobs="21"))

    assert response.status_code == 422
    assert response.context["form"].errors == {"logprobs": ["Alternatives is between 0 and 20."]}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"max_tokens": 9, "logprobs": 3, "prompt_logprobs": 3}, [9, 3, "prompt"]),
        ({"max_tokens": 9}, [9, None, ""]),
        ({"max_tokens": 0, "prompt_logprobs": 2}, [128, None, "prompt"]),
    ],
)
def test_a_run_fills_the_form_with_what_it_asked_for(
    desk: Desk, params: dict[str, int], expected: list[object]
) -> None:
    job = GenerationJobFactory.create(
        user=desk.user, model=desk.model, succeeded=True, params=params
    )

    form = desk.client.get(f"{CREATE}{job.pk}/").context["form"]

    names = ("max_tokens", "logprobs", "prompt_logprobs")
    assert [form[name].value() for name in names] == expected


def test_without_scripts_the_numbers_are_a_table(desk: Desk, valkey: redis.Redis) -> None:
    forget_tokenizers()
    valkey.set(tokenizer_key(desk.model.deployment), TOKENIZER.to_str())
    a, blank, less = *ids_of("a"), *ids_of(" "), *ids_of("<")
    job = GenerationJobFactory.create(
        user=desk.user,
        model=desk.model,
        succeeded=True,
        params=SamplingParams(max_tokens=2, logprobs=1, prompt_logprobs=1).model_dump(mode="json"),
        prompt_token_ids=[0, a],
        token_ids=[blank],
        prompt_logprobs=[None, [a, -0.25, 1, [[a, -0.25]]]],
        logprobs=[[blank, -1.5, 3, [[less, -0.125]]]],
    )

    page = desk.client.get(f"{CREATE}{job.pk}/").content.decode()

    forget_tokenizers()
    cells = [
        re.sub("<[^>]+>", " ", row).split()
        for row in re.findall("<tr(?: class=[^>]*)?>(<td>[0-9].*?)</tr>", page)
    ]
    assert cells == [
        ["1", "&lt;/s&gt;", NONE, NONE],
        ["2", "a", "-0.2500", "1", "a", "-0.2500"],
        ["3", "·", "-1.5000", "3", "&lt;", "-0.1250"],
    ]
