"""Receipts, replays, stopping, and people who are not mixed up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream import reader_presence
from tests.factories.jobs import make_researcher
from tests.inference_workers.conftest import wait_until
from tests.lab.api.client import aclient_of
from tests.lab.api.conftest import Laboratory, entry, ids_of
from tests.lab.playground.sse import in_thread


async def read_all(response: Any) -> bytes:
    return b"".join([piece async for piece in response.streaming_content])


async def drop(reading: asyncio.Task[bytes]) -> None:
    """As the server does when a client is gone: it cancels the task that waits for a piece."""
    await asyncio.sleep(0.1)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def state_of(job_id: str) -> str:
    return (await in_thread(GenerationJob.objects.get, pk=job_id)).state


async def test_a_receipt_tells_how_to_make_it_again(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(prompt="Once", max_tokens=3, seed=5, logprobs=1)
    job_id = reply["choices"][0]["job_id"]

    receipt = (await laboratory.client.get(f"/v1/jobs/{job_id}")).json()

    assert receipt["state"] == "succeeded"
    assert receipt["sampling"]["seed"] == 5
    assert receipt["prompt_token_ids"] == [0, *ids_of("Once")]
    assert receipt["token_ids"] == ids_of(" an")
    assert receipt["logprobs"] == [
        [each.id, each.logprob, each.rank, [list(pair) for pair in each.top]]
        for each in (entry(token, 1) for token in ids_of(" an"))
    ]
    assert receipt["request"] == {
        "model": laboratory.model.slug, "max_tokens": 3, "seed": 5, "logprobs": 1,
    }  # fmt: skip
    assert receipt["usage"] == {"prompt_tokens": 5, "completion_tokens": 3}


async def test_a_seed_is_drawn_where_none_was_given(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(prompt="Once", n=2, max_tokens=3)

    seeds = reply["gatehouse"]["seeds"]
    jobs = [choice["job_id"] for choice in reply["choices"]]
    receipts = [(await laboratory.client.get(f"/v1/jobs/{job}")).json() for job in jobs]
    assert [receipt["sampling"]["seed"] for receipt in receipts] == seeds
    assert len(set(seeds)) == 2


async def test_a_replay_finds_the_first_token_that_differs(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(prompt="Once", max_tokens=6)
    path = f"/v1/jobs/{reply['choices'][0]['job_id']}/replay"

    same = await laboratory.ask(path)
    laboratory.reply = lambda job: " another"
    other = await laboratory.ask(path)

    assert (same["is_identical"], same["first_difference"]) == (True, None)
    assert other["is_identical"] is False
    assert other["first_difference"] == {"index": 3, "was": ids_of("d")[0], "now": ids_of("o")[0]}
    replay = await in_thread(GenerationJob.objects.get, pk=same["replay"])
    # The same ids, even if a tokenizer would split the text differently today.
    assert replay.prompt_token_ids == [0, *ids_of("Once")]


async def test_a_run_can_be_erased(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(prompt="Once", max_tokens=3, logprobs=1)
    job_id = reply["choices"][0]["job_id"]

    assert (await laboratory.client.delete(f"/v1/jobs/{job_id}")).json()["state"] == "erased"
    assert (await laboratory.client.get(f"/v1/jobs/{job_id}")).status_code == 404
    job = await in_thread(GenerationJob.objects.get, pk=job_id)
    assert (job.prompt, job.prompt_token_ids, job.text, job.logprobs) == ("", [], "", None)


async def test_a_dropped_stream_stops_its_runs(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_presence, "GRACE_SECONDS", 0.05)
    response = await laboratory.client.ask(
        "/v1/completions",
        json={"model": laboratory.model.slug, "prompt": "a", "stream": True},
    )
    reading = asyncio.create_task(read_all(response))
    job = await in_thread(GenerationJob.objects.get)

    await drop(reading)

    async def is_cancelled() -> bool:
        return await state_of(str(job.pk)) == "cancelled"

    await wait_until(is_cancelled)


async def test_a_waiting_request_that_is_given_up_stops_too(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_presence, "GRACE_SECONDS", 0.05)
    body = {"model": laboratory.model.slug, "prompt": "a"}
    task = asyncio.create_task(laboratory.client.ask("/v1/completions", json=body))

    async def is_there() -> bool:
        return await in_thread(GenerationJob.objects.count) == 1

    async def is_cancelled() -> bool:
        return (await in_thread(GenerationJob.objects.get)).state == "cancelled"

    await wait_until(is_there)
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await wait_until(is_cancelled)


async def test_a_client_that_comes_back_keeps_its_runs(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_presence, "GRACE_SECONDS", 0.3)
    body = {"model": laboratory.model.slug, "prompt": "a", "max_tokens": 2}
    first = await laboratory.client.ask("/v1/completions", json={**body, "stream": True})
    reading = asyncio.create_task(read_all(first))
    await drop(reading)

    again = await laboratory.client.ask(
        "/v1/completions", json={**body, "stream": True}, **{"X-Stainless-Retry-Count": "1"}
    )
    reading = asyncio.create_task(read_all(again))
    # Longer than the first one's grace.
    await asyncio.sleep(0.5)
    async with laboratory.working():
        content = await reading

    assert content.endswith(b"data: [DONE]\n\n")
    assert b'"text":" "' in content
    assert await in_thread(GenerationJob.objects.count) == 1


async def test_tokens_go_there_and_back(laboratory: Laboratory) -> None:
    there = await laboratory.client.ask(
        "/v1/tokenize",
        json={"model": laboratory.model.slug, "prompt": "Hi", "return_token_strs": True},
    )
    back = await laboratory.client.ask(
        "/v1/detokenize", json={"model": laboratory.model.slug, "tokens": ids_of("Hi")}
    )

    assert there.json() == {
        "count": 3,
        "max_model_len": 2048,
        "tokens": [0, *ids_of("Hi")],
        "token_strs": ["</s>", "H", "i"],
    }
    assert back.json() == {"prompt": "Hi"}


async def test_usage_is_told_to_programs(laboratory: Laboratory) -> None:
    reply = await laboratory.ask(prompt="Once", max_tokens=3)
    # Its receipt waits for the outcome, which comes a little after the last token.
    await laboratory.client.get(f"/v1/jobs/{reply['choices'][0]['job_id']}")

    report = (await laboratory.client.get("/v1/usage")).json()

    assert (report["used"], report["under_way"]) == (8, 0)
    assert [model["model"] for model in report["models"]] == [laboratory.model.slug]


MIXES = st.lists(
    st.fixed_dictionaries(
        {
            "prompt": st.sampled_from(["a", "bc", "def"]),
            "max_tokens": st.integers(1, 9),
            "temperature": st.sampled_from([0.0, 0.3, 0.1 + 0.2]),
            "logprobs": st.sampled_from([None, 0, 2]),
            "echo": st.booleans(),
            "stop": st.sampled_from([None, ["x"], ["y", "z"]]),
            "seed": st.integers(0, 2**40),
            "top_k": st.integers(0, 50),
        }
    ),
    min_size=2,
    max_size=6,
)


@given(mixes=MIXES)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_nobody_gets_anothers_parameters(
    laboratory: Laboratory, mixes: list[dict[str, Any]]
) -> None:
    """Earlier APIs of this kind used one request's parameters for all that ran together."""
    people = [await in_thread(make_researcher, laboratory.model) for _ in mixes]
    clients = [await aclient_of(user) for user, _ in people]
    async with laboratory.working():
        replies = await asyncio.gather(
            *(
                client.ask("/v1/completions", json={"model": laboratory.model.slug, **mix})
                for client, mix in zip(clients, mixes, strict=True)
            )
        )

    for (user, _), mix, response in zip(people, mixes, replies, strict=True):
        choice = response.json()["choices"][0]
        job = await in_thread(GenerationJob.objects.get, user=user)
        assert str(job.pk) == choice["job_id"]
        asked = {name: mix[name] for name in ("max_tokens", "temperature", "logprobs", "top_k")}
        assert {name: job.params[name] for name in asked} == asked
        assert job.params["stop"] == (mix["stop"] or [])
        assert job.params["seed"] == (None if mix["temperature"] == 0.0 else mix["seed"])
        assert job.prompt == mix["prompt"]
        head = mix["prompt"] if mix["echo"] else ""
        assert choice["text"] == head + " and on"[: mix["max_tokens"]]
        assert (choice["logprobs"] is None) == (mix["logprobs"] is None)
