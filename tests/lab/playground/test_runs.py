"""Stopping, deleting, listing and counting; and that others' runs cannot be seen."""

from __future__ import annotations

import pytest
import redis
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from tokenizers import Tokenizer, models

from inference_workers.contract import cancel_key, tokenizer_key
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory, beat
from tests.lab.playground.conftest import Desk

JSON = {"Accept": "application/json"}
HISTORY = "/playground/history/"


def url(job: GenerationJob, action: str = "") -> str:
    return f"/playground/runs/{job.pk}/{action}"


@pytest.mark.django_db(transaction=True)
def test_stopping_a_running_run_asks_for_it(desk: Desk, valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create(user=desk.user, model=desk.model, running=True)

    response = desk.client.post(url(job, "stop/"), headers=JSON)

    assert (response.status_code, response.json()) == (202, {"state": "running"})
    assert valkey.get(cancel_key(job.pk)) == "user"


def test_stopping_without_scripts_leads_back_to_the_run(desk: Desk) -> None:
    job = GenerationJobFactory.create(user=desk.user, model=desk.model)

    response = desk.client.post(url(job, "stop/"), follow=True)

    assert response.redirect_chain == [(url(job), 302)]
    assert "Stopped. It had not started yet." in response.content.decode()


def test_a_stopped_run_says_when_the_engine_was_free(desk: Desk) -> None:
    job = GenerationJobFactory.create(user=desk.user, model=desk.model, cancelled=True)

    page = desk.client.get(url(job)).content.decode()

    assert "Stopped. The engine was freed after 40 ms." in page


def test_deleting_erases_and_leaves_the_history(desk: Desk) -> None:
    job = GenerationJobFactory.create(user=desk.user, model=desk.model, succeeded=True)

    response = desk.client.post(url(job, "delete/"), follow=True)

    job.refresh_from_db()
    assert (job.prompt, job.text, job.completion_tokens) == ("", "", 2)
    assert response.redirect_chain == [(HISTORY, 302)]
    assert "No runs yet" in response.content.decode()
    assert desk.client.get(url(job)).status_code == 404


@pytest.mark.parametrize(
    ("method", "action"),
    [("get", ""), ("get", "events/"), ("post", "stop/"), ("post", "delete/")],
)
def test_others_runs_do_not_exist(desk: Desk, client: Client, method: str, action: str) -> None:
    job = GenerationJobFactory.create(user=desk.user, model=desk.model, running=True)
    client.force_login(UserFactory.create())

    assert getattr(client, method)(url(job, action)).status_code == 404
    job.refresh_from_db()
    assert (job.state, job.erased_at, job.cancel_requested_at) == ("running", None, None)


@pytest.mark.parametrize(("action", "method"), [("stop/", "get"), ("delete/", "get"), ("", "post")])
def test_the_wrong_method_is_refused(desk: Desk, action: str, method: str) -> None:
    job = GenerationJobFactory.create(user=desk.user, model=desk.model)

    assert getattr(desk.client, method)(url(job, action)).status_code == 405


@pytest.mark.parametrize("rows", [1, 3])
def test_the_history_takes_the_same_queries_for_any_length(
    desk: Desk, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    GenerationJobFactory.create_batch(rows, user=desk.user, model=desk.model, succeeded=True)
    GenerationJobFactory.create(succeeded=True)

    # Four of them are the history's; the others know the person and note the session.
    with django_assert_num_queries(14):
        response = desk.client.get(HISTORY)

    assert len(response.context["runs"]) == rows


def test_the_history_shows_parameters_state_and_tokens(desk: Desk) -> None:
    params = {"max_tokens": 64, "temperature": 0.5, "top_k": 40, "stop": ["\n"]}
    GenerationJobFactory.create(user=desk.user, model=desk.model, cancelled=True, params=params)

    response = desk.client.get(HISTORY)

    (row,) = response.context["runs"]
    assert row.params == ["max tokens 64", "temperature 0.5", "top-k 40", "stop \\n"]
    assert row.ending == "Stopped. The engine was freed after 40 ms."
    assert "3 tokens in, 2 out" in response.content.decode()


def test_prompts_in_the_history_are_text(desk: Desk) -> None:
    GenerationJobFactory.create(user=desk.user, model=desk.model, prompt="<img src=x>" + "y" * 500)

    page = desk.client.get(HISTORY).content.decode()

    assert "&lt;img src=x&gt;yyy" in page
    assert "y" * 200 not in page


def test_the_history_has_pages(desk: Desk) -> None:
    GenerationJobFactory.create_batch(21, user=desk.user, model=desk.model, succeeded=True)

    assert len(desk.client.get(HISTORY).context["runs"]) == 20
    assert len(desk.client.get(f"{HISTORY}?page=2").context["runs"]) == 1


def test_tokens_are_counted_for_an_open_model(desk: Desk, valkey: redis.Redis) -> None:
    forget_tokenizers()
    tokenizer = Tokenizer(models.WordLevel({"a\nb": 0, "<unk>": 1}, unk_token="<unk>"))
    valkey.set(tokenizer_key(desk.model.deployment), tokenizer.to_str())
    beat(valkey)

    response = desk.client.post(
        "/playground/tokens/", {"model": desk.model.slug, "prompt": "a\r\nb"}, headers=JSON
    )

    forget_tokenizers()
    assert response.json() == {
        "tokens": 1,
        "is_exact": True,
        "beginning": "",
        "context": 2048,
        "engine": {"state": "ready", "message": ""},
        "quota": {"tokens": 200_000, "left": 200_000},
    }


def test_tokens_are_not_counted_for_a_closed_model(desk: Desk) -> None:
    response = desk.client.post("/playground/tokens/", {"model": "other", "prompt": "a"})

    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")
