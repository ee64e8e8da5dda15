"""The samplers that are folded away: from the form to the run and back, and their refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from inference_workers.contract import SamplingParams, Structure, TokenizerConfig, tokenizer_key
from inference_workers.contract import tokenizer_config_key as config_key
from portal.lab.completions.domain import compiling
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from portal.lab.playground.forms import DEFAULTS
from portal.lab.playground.samplers import RARE
from portal.lab.playground.summaries import summarise_params
from tests.factories.jobs import GenerationJobFactory
from tests.lab.api.conftest import TOKENIZER, ids_of
from tests.lab.playground.conftest import Desk

CREATE = "/playground/runs/"
JSON = {"Accept": "application/json"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
CASES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "min-p": ({"min_p": "0.05"}, {"min_p": 0.05}),
    "repetition penalty": ({"repetition_penalty": "1.2"}, {"repetition_penalty": 1.2}),
    "min tokens": ({"min_tokens": "16"}, {"min_tokens": 16}),
    "end of text": ({"ignore_eos": "ignored"}, {"ignore_eos": True}),
    "beginning": ({"add_special_tokens": "without"}, {"add_special_tokens": False}),
    "logit bias": ({"logit_bias": "id 7: -5\nid 0: 0.1"}, {"logit_bias": {7: -5.0, 0: 0.1}}),
    "stop tokens": ({"stop_token_ids": "id 9\nid 7"}, {"stop_token_ids": (9, 7)}),
    "allowed tokens": ({"allowed_token_ids": "id 1"}, {"allowed_token_ids": (1,)}),
    "bad words": ({"bad_words": " one\ntwo\\tthree"}, {"bad_words": (" one", "two\tthree")}),
    "regex": (
        {"structure_kind": "regex", "structure": "[ab]+ "},
        {"structure": Structure(regex="[ab]+ ")},
    ),
    "choice": (
        {"structure_kind": "choice", "structure": "yes\nno\\n"},
        {"structure": Structure(choice=("yes", "no\n"))},
    ),
    "schema": (
        {
            "structure_kind": "json_schema",
            "structure": '{"type": "object", "properties": {"a": {"type": "integer"}}}',
        },
        {"structure": Structure(json_schema=SCHEMA)},
    ),
}


@pytest.fixture(autouse=True)
def _tokenizer(desk: Desk, valkey: redis.Redis) -> Iterator[None]:
    forget_tokenizers()
    config = TokenizerConfig(vocabulary=TOKENIZER.get_vocab_size())
    valkey.set(tokenizer_key(desk.model.deployment), TOKENIZER.to_str())
    valkey.set(config_key(desk.model.deployment), config.model_dump_json())
    yield
    forget_tokenizers()


def values_of(desk: Desk, job: GenerationJob) -> dict[str, str]:
    """What the page of the run shows in its fields, as a browser would post it."""
    form = desk.client.get(f"{CREATE}{job.pk}/").context["form"]
    values = {name: form[name].value() for name in DEFAULTS}
    return {name: "" if value is None else str(value) for name, value in values.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_sampler_reaches_the_run_and_comes_back(desk: Desk, name: str) -> None:
    typed, expected = CASES[name]

    response = desk.client.post(CREATE, desk.fields(**typed))

    assert response.status_code == 302, response.context["form"].errors
    first = GenerationJob.objects.get()
    sent = SamplingParams(max_tokens=16, temperature=0.7, **expected)
    assert SamplingParams.model_validate(first.params) == sent
    again = desk.client.post(CREATE, desk.fields(**values_of(desk, first)))
    assert again.status_code == 302
    assert [job.params for job in GenerationJob.objects.exclude(pk=first.pk)] == [first.params]


def test_a_run_that_touches_none_sends_what_it_always_sent(desk: Desk) -> None:
    defaults = {name: str(value) for name, value in RARE.items()}

    desk.client.post(CREATE, desk.fields())
    desk.client.post(CREATE, desk.fields(**defaults))
    desk.client.post(CREATE, desk.fields(**dict.fromkeys(RARE, "")))

    plain = SamplingParams(max_tokens=16, temperature=0.7).model_dump(mode="json")
    assert [job.params for job in GenerationJob.objects.all()] == [plain] * 3


def test_a_text_names_its_one_token(desk: Desk) -> None:
    lines = '"a": 2\n\n  " " : -1.5\n"</s>": 1\n12: 3'

    desk.client.post(CREATE, desk.fields(logit_bias=lines, stop_token_ids='"\\n"'))

    params = SamplingParams.model_validate(GenerationJob.objects.get().params)
    assert params.logit_bias == {ids_of("a")[0]: 2, ids_of(" ")[0]: -1.5, 0: 1, 12: 3}
    assert params.stop_token_ids == tuple(ids_of("\n"))


A, B = ids_of("ab")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("min_p", "1.5", "Min-p is between 0 and 1."),
        ("repetition_penalty", "0", "Repetition penalty is above 0; 1 has no effect."),
        ("repetition_penalty", "2.5", "Repetition penalty is between 0 and 2."),
        ("min_tokens", "17", "Min tokens is 17; it is at most max tokens, 16."),
        ("ignore_eos", "perhaps", "Choose one of the list."),
        (
            "logit_bias",
            'id 1: 0\n"ab": 2',
            f'Line 2: this text is 2 tokens in this model, not one: id {A} "a", id {B} "b".',
        ),
        (
            "logit_bias",
            "Paris: 2",
            'Line 1 is not a token with its bias. Write, for example, id 50118: -5 or " Paris": 2.',
        ),
        ("logit_bias", "id 1: 101", "Line 1: a bias is a number between -100 and 100."),
        ("logit_bias", "id 1: nan", "Line 1: a bias is a number between -100 and 100."),
        ("logit_bias", '"a": 1\n"a": 2', "Line 2 names a token that has a bias already."),
        (
            "logit_bias",
            "id 300: 1",
            "Line 1 must be a token id from 0 to 256; this is 300.",
        ),
        ("logit_bias", '"": 1', "Line 1: the text is empty."),
        (
            "logit_bias",
            '"\\ud800": 1',
            'Line 1: in a text, \\ begins an escape such as \\n, \\t, \\" or \\\\.',
        ),
        ("logit_bias", "1: 1\n" * 1001, "These are 1,001 lines; the limit is 1,000."),
        (
            "stop_token_ids",
            "id 1: 2",
            'Line 1 is not a token. Write, for example, id 50118 or " Paris".',
        ),
        (
            "allowed_token_ids",
            "id 257",
            "Line 1 must be a token id from 0 to 256; this is 257.",
        ),
        ("bad_words", "one\n \n", "One of the bad words is blank. Remove its line."),
        ("bad_words", "a\n" * 129, "These are 129 bad words; the limit is 128."),
    ],
)
def test_a_value_is_refused_beside_its_field(
    desk: Desk, field: str, value: str, message: str
) -> None:
    response = desk.client.post(CREATE, desk.fields(**{field: value}), headers=JSON)

    assert response.status_code == 422
    assert response.json()["errors"] == {field: [message]}


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("regex", "(", "Structure does not compile"),
        ("regex", " \n", "Describe the structure, or choose free text."),
        ("regex", "a" * 5000, "Structure has 5,000 characters; the limit is 4,096."),
        ("choice", "\n".join(map(str, range(1001))), "Structure has 1,001 texts; the limit is"),
        ("json_schema", "{", "The schema is not valid JSON: "),
        ("json_schema", "[]", "The schema is not a JSON object."),
        ("json_schema", '{"const": "\\u0000"}', "In the schema, const has a NUL character"),
        ("json_schema", '{"type": 5}', "Structure "),
    ],
)
def test_a_structure_is_refused_as_in_the_api(
    desk: Desk, kind: str, text: str, message: str
) -> None:
    fields = desk.fields(structure_kind=kind, structure=text)

    response = desk.client.post(CREATE, fields, headers=JSON)

    (field,) = response.json()["errors"]
    (said,) = response.json()["errors"][field]
    assert (response.status_code, field, said[: len(message)]) == (422, "structure", message)


def test_without_a_tokenizer_a_token_is_named_by_its_id(desk: Desk, valkey: redis.Redis) -> None:
    forget_tokenizers()
    valkey.flushall()

    response = desk.client.post(CREATE, desk.fields(logit_bias='"a": 2'), headers=JSON)

    assert response.json()["errors"] == {
        "logit_bias": ["Line 1: this model's tokenizer is not known yet. Name the token by its id."]
    }


def test_scoring_needs_no_min_tokens(desk: Desk) -> None:
    desk.client.post(CREATE, desk.fields(min_tokens="4", only_score="1"))

    params = SamplingParams.model_validate(GenerationJob.objects.get().params)
    assert (params.max_tokens, params.min_tokens) == (0, 0)


def test_they_are_open_only_where_they_do_something(desk: Desk) -> None:
    jobs = [
        GenerationJobFactory.create(user=desk.user, model=desk.model, succeeded=True, params=params)
        for params in ({"max_tokens": 9}, {"max_tokens": 9, "min_p": 0.5})
    ]
    refused = desk.client.post(CREATE, desk.fields(min_p="7"))

    pages = [desk.client.get(f"{CREATE}{job.pk}/") for job in jobs]
    assert [page.context["form"].has_rare_values for page in pages] == [False, True]
    assert refused.context["form"].has_rare_values is True


def test_the_history_names_them() -> None:
    params = {
        "max_tokens": 9,
        "min_p": 0.5,
        "logit_bias": {"1": 2, "3": 4},
        "bad_words": ["no"],
        "ignore_eos": True,
        "add_special_tokens": False,
        "structure": {"regex": "a"},
    }

    assert summarise_params(params) == [
        "max tokens 9",
        "temperature 1",
        "min-p 0.5",
        "2 biased tokens",
        "1 bad word",
        "end of text ignored",
        "without the beginning token",
        "regular expression",
    ]


def test_one_structure_of_a_person_is_checked_at_a_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or one person would fill the site's threads; a structure that is known needs no turn."""
    known = desk.fields(structure_kind="regex", structure="known[0-9]")
    assert desk.client.post(CREATE, known, headers=JSON).status_code == 201
    monkeypatch.setattr(compiling, "_waiting", {desk.user.pk})
    new = desk.fields(structure_kind="regex", structure="new[0-9]")

    answers = [desk.client.post(CREATE, fields, headers=JSON) for fields in (known, new)]
    monkeypatch.setattr(compiling, "_waiting", {desk.user.pk + 1})
    answers.append(desk.client.post(CREATE, new, headers=JSON))

    assert [answer.status_code for answer in answers] == [201, 422, 201]
    assert answers[1].json()["errors"] == {
        "structure": ["Another structure of yours is still being checked. Try again in a moment."]
    }
