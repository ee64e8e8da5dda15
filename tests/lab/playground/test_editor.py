"""The editor's page, and submitting with and without scripts."""

from __future__ import annotations

import pytest
import redis
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from inference_workers.contract import EngineState, SamplingParams
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.lab.jobs.models import GenerationJob
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory, beat
from tests.lab.playground.conftest import Desk

JSON = {"Accept": "application/json"}
EDITOR = "/playground/"
CREATE = "/playground/runs/"


def test_the_editor_offers_the_models_that_are_open(desk: Desk) -> None:
    HostedModelFactory.create(name="Closed model")

    response = desk.client.get(EDITOR)

    models = response.context["models"]
    assert [choice.model for choice in models.choices] == [desk.model]
    assert [(item.model.name, item.decision.code) for item in models.refusals] == [
        ("Closed model", "licence_unsigned")
    ]
    assert desk.model.attribution in response.content.decode()
    assert desk.model.notice in response.content.decode()


def test_the_editor_begins_with_the_model_that_one_came_from(desk: Desk) -> None:
    closed = HostedModelFactory.create(name="Closed model")

    chosen = [
        desk.client.get(EDITOR, {"model": slug}).context["form"].initial
        for slug in (desk.model.slug, closed.slug, "none")
    ]

    assert chosen == [{"model": desk.model.slug}, {}, {}]


def test_a_model_that_answers_now_is_offered_first(desk: Desk, valkey: redis.Redis) -> None:
    second = HostedModelFactory.create(deployment="served", release=desk.model.release)
    GrantFactory.create(user=desk.user, model=second)

    offered = []
    for deployment in (desk.model.deployment, second.deployment):
        valkey.flushall()
        beat(valkey, deployment=deployment)
        choices = desk.client.get(EDITOR).context["models"].choices
        offered.append([choice.model for choice in choices])

    assert offered == [[desk.model, second], [second, desk.model]]


def test_somebody_without_access_is_told_the_next_step(
    valkey: redis.Redis, client: Client, db: None
) -> None:
    model = HostedModelFactory.create()
    client.force_login(UserFactory.create())

    page = client.get(EDITOR).content.decode()

    assert "The licence is not signed yet." in page
    assert f'href="{reverse("licensing:sign", args=[model.release.licence.slug])}"' in page
    assert "<textarea" not in page


def test_a_starting_engine_is_announced_before_one_runs(desk: Desk, valkey: redis.Redis) -> None:
    beat(valkey, engine=EngineState.STARTING, ready_in_seconds=40)

    assert "The model is starting, about 40 s." in desk.client.get(EDITOR).content.decode()


def test_a_form_without_scripts_leads_to_the_run(desk: Desk) -> None:
    response = desk.client.post(CREATE, desk.fields())

    job = GenerationJob.objects.get()
    assert response.status_code == 302
    assert response["Location"] == f"/playground/runs/{job.pk}/"
    page = desk.client.get(response["Location"]).content.decode()
    assert "This run is queued." in page
    assert "Once upon a time</textarea>" in page


def test_a_script_is_told_where_the_run_is(desk: Desk) -> None:
    response = desk.client.post(CREATE, desk.fields(), headers=JSON)

    job = GenerationJob.objects.get()
    assert (response.status_code, response.json()) == (
        201,
        {
            "id": str(job.pk),
            "url": f"/playground/runs/{job.pk}/",
            "events_url": f"/playground/runs/{job.pk}/events/",
            "stop_url": f"/playground/runs/{job.pk}/stop/",
            "notes_url": f"/playground/runs/{job.pk}/notes/",
        },
    )


@pytest.mark.parametrize("rows", [1, 3])
def test_accepting_a_run_asks_the_database_no_more_for_more_runs(
    desk: Desk, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        desk.client.post(CREATE, desk.fields(), headers=JSON)

    with django_assert_num_queries(17):
        response = desk.client.post(CREATE, desk.fields(), headers=JSON)

    assert response.status_code == 201


def test_values_reach_the_job_as_they_were_typed(desk: Desk) -> None:
    fields = desk.fields(
        prompt="  Two\r\nlines \r\n",
        temperature="0.333",
        top_p="0.95",
        top_k="40",
        presence_penalty="-0.5",
        frequency_penalty="1.25",
        stop="\\n\\n\r\n END \r\nback\\\\slash",
        seed="9223372036854775807",
    )

    desk.client.post(CREATE, fields)

    job = GenerationJob.objects.get()
    assert job.prompt == "  Two\nlines \n"
    assert SamplingParams.model_validate(job.params) == SamplingParams(
        max_tokens=16,
        temperature=0.333,
        top_p=0.95,
        top_k=40,
        presence_penalty=-0.5,
        frequency_penalty=1.25,
        stop=("\n\n", " END ", "back\\slash"),
        seed=9223372036854775807,
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("prompt", "", "Write a prompt first."),
        ("max_tokens", "0", "Max tokens is 1 or more."),
        ("max_tokens", "1.5", "Max tokens is a number 1 or more."),
        ("temperature", "2.1", "Temperature is between 0 and 2."),
        ("temperature", "", "Temperature is a number between 0 and 2."),
        ("temperature", "nan", "Temperature is a number between 0 and 2."),
        ("top_p", "0", "Top-p is above 0: at 0 there would be no token to draw."),
        ("presence_penalty", "-3", "Presence penalty is between -2 and 2."),
        ("seed", "-1", "Seed is 0 or more."),
        ("max_tokens", "2048", None),
    ],
)
def test_a_value_out_of_range_is_refused_beside_its_field(
    desk: Desk, field: str, value: str, message: str | None
) -> None:
    response = desk.client.post(CREATE, desk.fields(**{field: value}), headers=JSON)

    body = response.json()
    assert response.status_code in {400, 422}
    assert list(body["errors"]) == [field]
    assert message is None or body["errors"][field] == [message]
    assert GenerationJob.objects.count() == 0


def test_what_was_typed_comes_back_with_the_refusal(desk: Desk) -> None:
    response = desk.client.post(CREATE, desk.fields(temperature="9", prompt="Keep <me>"))

    page = response.content.decode()
    assert response.status_code == 422
    assert "Keep &lt;me&gt;</textarea>" in page
    assert 'value="9"' in page
    assert "Temperature is between 0 and 2." in page


def test_lost_access_is_refused_with_the_next_step(desk: Desk) -> None:
    Grant.objects.update(state=GrantState.REVOKED)

    response = desk.client.post(CREATE, desk.fields(), headers=JSON)

    assert response.status_code == 403
    assert response.json()["error"] == {
        "code": "revoked",
        "message": "Your access was revoked.",
        "next_step": {"label": "Read why", "url": "/access/"},
    }


def test_lost_access_is_a_page_too(desk: Desk) -> None:
    Grant.objects.update(state=GrantState.REVOKED)

    response = desk.client.post(CREATE, desk.fields())

    assert response.status_code == 403
    assert "Your access was revoked." in response.content.decode()


def test_an_unknown_model_is_refused_by_field(desk: Desk) -> None:
    response = desk.client.post(CREATE, desk.fields(model="gpt-5"), headers=JSON)

    assert list(response.json()["errors"]) == ["model"]


def test_too_many_runs_are_refused_as_such(desk: Desk, settings: Settings) -> None:
    settings.JOBS_PER_USER = 1
    GenerationJobFactory.create(user=desk.user, model=desk.model)

    response = desk.client.post(CREATE, desk.fields(), headers=JSON)

    assert (response.status_code, response.json()["error"]["code"]) == (429, "too_many_jobs")


def test_a_signed_out_script_is_told_to_sign_in(client: Client, db: None) -> None:
    response = client.post(CREATE, {"prompt": "p"}, headers=JSON)

    assert response.status_code == 401
    assert response.json()["error"] == {
        "code": "not_signed_in",
        "message": "You are signed out. Your text is still here.",
        "next_step": {"label": "Sign in", "url": "/account/login/"},
    }


@pytest.mark.parametrize("path", [EDITOR, "/playground/history/"])
def test_a_visitor_is_sent_to_sign_in(client: Client, db: None, path: str) -> None:
    response = client.get(path)

    assert (response.status_code, response["Location"]) == (302, f"/account/login/?next={path}")


def test_an_ended_run_shows_the_whole_document_as_text(desk: Desk) -> None:
    job = GenerationJobFactory.create(
        user=desk.user, model=desk.model, succeeded=True, prompt="🙂 a", text=" <script>b</script>"
    )

    response = desk.client.get(f"/playground/runs/{job.pk}/")

    page = response.content.decode()
    assert "🙂 a &lt;script&gt;b&lt;/script&gt;</textarea>" in page
    # As a browser counts: the emoji is two units.
    assert 'data-prompt-length="4"' in page
    assert "The model stopped by itself, or at a stop sequence." in page


def test_an_earlier_run_can_be_taken_up_with_its_parameters(desk: Desk) -> None:
    params = SamplingParams(max_tokens=33, temperature=0.25, top_p=1.0, stop=("\n", "a\\b"))
    job = GenerationJobFactory.create(
        user=desk.user, model=desk.model, succeeded=True, params=params.model_dump(mode="json")
    )

    form = desk.client.get(f"{EDITOR}?from={job.pk}").context["form"]

    values = {name: form[name].value() for name in ("prompt", "max_tokens", "temperature", "stop")}
    assert values == {
        "prompt": "Once upon a time",
        "max_tokens": 33,
        "temperature": 0.25,
        "stop": "\\n\na\\\\b",
    }


@pytest.mark.parametrize("source", ["nonsense", "5b0c2f2e-6f5e-4a55-9c39-1f6a3f3a7c11"])
def test_an_unknown_source_gives_an_empty_editor(desk: Desk, source: str) -> None:
    form = desk.client.get(f"{EDITOR}?from={source}").context["form"]

    assert form["prompt"].value() is None


def test_ones_own_run_stays_readable_after_access_ended(desk: Desk) -> None:
    job = GenerationJobFactory.create(user=desk.user, model=desk.model, succeeded=True)
    Grant.objects.update(state=GrantState.REVOKED)

    response = desk.client.get(f"/playground/runs/{job.pk}/")

    assert (response.status_code, "and on</textarea>" in response.content.decode()) == (200, True)
