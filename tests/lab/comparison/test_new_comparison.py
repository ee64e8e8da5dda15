"""One prompt in several columns: accepted together, or not at all and without losing input."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from inference_workers.contract import SamplingParams
from portal.lab.jobs.models import GenerationJob
from tests.lab.comparison.conftest import Bench, address

NEW = "/playground/compare/new/"


def fill_in(*models: str, prompt: str = "Once", **changes: str) -> dict[str, str]:
    """The form with a column for each model."""
    fields = {"prompt": prompt}
    for place in range(4):
        fields |= {
            f"column{place + 1}-model": models[place] if place < len(models) else "",
            f"column{place + 1}-max_tokens": "16",
            f"column{place + 1}-temperature": "0.7",
            f"column{place + 1}-top_p": "1",
            f"column{place + 1}-top_k": "0",
            f"column{place + 1}-seed": "",
        }
    return fields | changes


def test_each_used_column_is_a_run_with_logprobs(bench: Bench) -> None:
    fields = fill_in(
        bench.small.slug, "", bench.large.slug, prompt="Once\r\nupon", **{"column3-seed": "7"}
    )

    response = bench.client.post(NEW, fields)

    jobs = list(GenerationJob.objects.order_by("model__parameters"))
    assert response["Location"] == address(*jobs)
    assert [(job.model, job.prompt) for job in jobs] == [
        (bench.small, "Once\nupon"),
        (bench.large, "Once\nupon"),
    ]
    assert [job.params["seed"] for job in jobs] == [None, 7]
    assert {job.params["logprobs"] for job in jobs} == {5}


def test_a_run_gives_its_prompt_and_all_parameters_to_every_column(bench: Bench) -> None:
    given = SamplingParams(max_tokens=9, temperature=0.25, stop=("\n",), presence_penalty=0.5)
    source = bench.run(prompt="From here", params=given.model_dump(mode="json"))

    page = bench.client.get(f"/playground/compare/?from={source.pk}").context["form"]
    bench.client.post(
        NEW,
        fill_in(bench.small.slug, bench.large.slug, source=str(source.pk))
        | {"column2-temperature": "1"},
    )

    assert page["prompt"].value() == "From here"
    shown = [(form["model"].value(), form["max_tokens"].value()) for form in page.columns]
    assert shown == [(bench.small.slug, 9), (bench.small.slug, 9), ("", 9), ("", 9)]
    assert page.carried == ["presence penalty 0.5", "stop \\n"]
    made = GenerationJob.objects.exclude(pk=source.pk).order_by("model__parameters")
    assert [(job.params["stop"], job.params["presence_penalty"]) for job in made] == [
        (["\n"], 0.5),
        (["\n"], 0.5),
    ]
    assert [job.params["temperature"] for job in made] == [0.7, 1.0]


def test_a_column_that_is_refused_is_named_and_none_starts(bench: Bench) -> None:
    fields = fill_in(bench.small.slug, "", bench.large.slug, **{"column3-max_tokens": "9000"})

    response = bench.client.post(NEW, fields)

    assert (response.status_code, GenerationJob.objects.count()) == (422, 0)
    form = response.context["form"]
    assert response.context["refused"] == 3
    assert form["prompt"].value() == "Once"
    assert [bool(column.errors) for column in form.used] == [False, True]
    page = response.content.decode()
    assert (
        "<strong>Column 3 was refused, so no run was started.</strong> Max tokens is 9,000" in page
    )


def test_a_quota_that_only_suffices_for_one_column_starts_none(
    bench: Bench, settings: Settings
) -> None:
    settings.DAILY_TOKEN_QUOTA = 30

    response = bench.client.post(NEW, fill_in(bench.small.slug, bench.large.slug))

    assert (response.status_code, response.context["refused"]) == (429, 2)
    assert GenerationJob.objects.count() == 0


@pytest.mark.parametrize(
    ("models", "changes", "error"),
    [
        (1, {}, "Choose a model in at least 2 columns."),
        (2, {"prompt": ""}, "Write a prompt first."),
        (2, {"column2-temperature": "9"}, "Temperature is between 0 and 2."),
        (2, {"column2-top_p": "0"}, "Top-p is above 0: at 0 there would be no token to draw."),
        (2, {"column2-model": "closed"}, "This model is not open to you now. Choose another."),
    ],
)
def test_wrong_input_is_named_and_kept(
    bench: Bench, models: int, changes: dict[str, str], error: str
) -> None:
    response = bench.client.post(NEW, fill_in(*[bench.small.slug] * models, **changes))

    assert (response.status_code, GenerationJob.objects.count()) == (422, 0)
    assert error in response.content.decode()


def test_errors_of_a_column_that_is_not_used_do_not_matter(bench: Bench) -> None:
    fields = fill_in(bench.small.slug, bench.small.slug, **{"column4-temperature": "hot"})

    assert bench.client.post(NEW, fields).status_code == 302
    assert GenerationJob.objects.count() == 2
