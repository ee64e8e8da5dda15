"""The page with runs side by side."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from inference_workers.contract import SamplingParams, cancel_key
from portal.lab.comparison.columns import Parameter
from portal.lab.comparison.domain.differences import Segment
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import GenerationJob
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory
from tests.lab.api.conftest import ids_of
from tests.lab.comparison.conftest import PAIRS, Bench, address


def params(**values: object) -> dict[str, object]:
    return SamplingParams.model_validate({"max_tokens": 16, **values}).model_dump(mode="json")


def test_tokens_that_the_first_column_lacks_are_marked(bench: Bench) -> None:
    runs = [bench.run(" one"), bench.run(" ore")]

    comparison = bench.client.get(address(*runs)).context["comparison"]

    assert [column.job for column in comparison.columns] == runs
    assert comparison.by_tokens
    assert comparison.columns[0].segments == [Segment(" one", False)]
    assert comparison.columns[1].segments == [
        Segment(" o", False),
        Segment("r", True),
        Segment("e", False),
    ]


def test_tokens_of_a_stop_sequence_are_not_shown(bench: Bench) -> None:
    other = bench.run(" ore", token_ids=ids_of(" ore##"))

    comparison = bench.client.get(address(bench.run(" one"), other)).context["comparison"]

    assert comparison.by_tokens
    assert "".join(part.text for part in comparison.columns[1].segments) == " ore"


def test_with_other_tokenizers_words_are_marked(bench: Bench) -> None:
    text = " ore ab"
    other = bench.run(text, bench.large, token_ids=PAIRS.encode(text).ids)

    comparison = bench.client.get(address(bench.run(" one ab"), other)).context["comparison"]

    assert not comparison.by_tokens
    assert comparison.columns[1].segments == [Segment(" ore", True), Segment(" ab", False)]


def test_parameters_are_shown_where_they_differ(bench: Bench) -> None:
    runs = [
        bench.run(params=params(temperature=0.5, top_k=40)),
        bench.run(params=params(temperature=1.0, top_k=40, seed=7)),
    ]

    first, second = bench.client.get(address(*runs)).context["comparison"].columns

    assert first.parameters == [Parameter("Temperature", "0.5"), Parameter("Seed", "random")]
    assert second.parameters == [Parameter("Temperature", "1"), Parameter("Seed", "7")]


def test_the_figures_of_a_column_and_of_all(bench: Bench) -> None:
    runs = [
        bench.run(" a b", logprobs=[[1, -0.5, 1, []], [2, -1.5, 3, []]], first_token_ms=1234),
        bench.run(" a c", logprobs=[[1, -2.0, 1, []]]),
    ]

    response = bench.client.get(address(*runs))

    comparison = response.context["comparison"]
    assert [column.mean_logprob for column in comparison.columns] == [-1.0, -2.0]
    assert (comparison.spread.distinct_1, comparison.spread.mean) == (0.75, -1.5)
    page = response.content.decode()
    assert "<dt>First token</dt><dd>1.2 s</dd>" in page
    assert "<dt>Mean log-prob.</dt><dd>-1.0000</dd>" in page


def test_prompts_that_differ_are_in_their_columns_and_have_no_spread(bench: Bench) -> None:
    runs = [bench.run(" a", prompt="<b>one"), bench.run(" a", prompt="two")]

    response = bench.client.get(address(*runs))

    comparison = response.context["comparison"]
    assert (comparison.prompt, comparison.spread) == (None, None)
    assert response.content.decode().count(">&lt;b&gt;one</div>") == 1


def test_what_is_not_an_own_run_is_left_out_and_said(bench: Bench) -> None:
    own = [bench.run(" a"), bench.run(" b")]
    foreign = GenerationJobFactory.create(model=bench.small, succeeded=True, text="secret")
    of_the_api = bench.run(" c", origin=Origin.API)
    named = ",".join(map(str, [uuid4(), "no-id", foreign.pk, of_the_api.pk]))

    response = bench.client.get(f"{address(*own)},{named}")

    assert [column.job for column in response.context["comparison"].columns] == own
    page = response.content.decode()
    assert "4 of the runs in this address are left out" in page
    assert "secret" not in page


def test_checkboxes_name_one_run_each_and_more_than_sixteen_are_left_out(bench: Bench) -> None:
    runs = [bench.run(" a") for _ in range(17)]
    query = "&".join(f"runs={run.pk}" for run in runs)

    response = bench.client.get(f"/playground/compare/?{query}")

    assert [column.job for column in response.context["comparison"].columns] == runs[:16]
    assert "1 of the runs in this address is left out" in response.content.decode()


@pytest.mark.parametrize("named", ["", ",", "nonsense", "one"])
def test_fewer_than_two_runs_explain_the_page(bench: Bench, named: str) -> None:
    ids = str(bench.run(" a").pk) if named == "one" else named

    response = bench.client.get(f"/playground/compare/?runs={ids}")

    assert response.context["comparison"] is None
    assert "choose at least two runs" in response.content.decode()


@pytest.mark.parametrize("columns", [2, 16])
def test_any_number_of_columns_takes_the_same_queries(
    bench: Bench, columns: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    runs = [bench.run(" a b", logprobs=[[1, -0.5, 1, []]]) for _ in range(columns)]

    # Three are for the runs and the models; the others know the person and note the session.
    with django_assert_num_queries(13):
        response = bench.client.get(address(*runs))

    assert len(response.context["comparison"].columns) == columns


def test_stopping_all_stops_what_has_not_ended(bench: Bench) -> None:
    ended = bench.run(" a")
    queued = bench.run(succeeded=False)
    running = bench.run(succeeded=False, running=True)
    foreign = GenerationJobFactory.create(model=bench.small)

    response = bench.client.post(
        "/playground/compare/stop/",
        {"runs": [str(run.pk) for run in (ended, queued, running, foreign)]},
    )

    assert response["Location"] == address(ended, queued, running)
    assert bench.valkey.get(cancel_key(running.pk)) == "user"
    states = dict(GenerationJob.objects.values_list("pk", "state"))
    assert (states[ended.pk], states[queued.pk]) == ("succeeded", "cancelled")
    assert states[foreign.pk] == "queued"


def test_a_stranger_signs_in_first(bench: Bench, client: Client) -> None:
    run = bench.run(" a")
    client.logout()

    assert client.get(address(run, run)).status_code == 302
    client.force_login(UserFactory.create())
    assert client.get(address(run, run)).context["comparison"] is None
