"""One run for all positions: asked for once, charged exactly, and nobody else's."""

from __future__ import annotations

from inference_workers.contract import row_key
from portal.lab.jobs.models import Call, GenerationJob
from portal.lab.quota.models import Reservation
from portal.platform.audit.models import AuditEvent
from tests.factories.jobs import make_researcher
from tests.lab.api.client import aclient_of
from tests.lab.api.conftest import Laboratory, ids_of
from tests.lab.distributions.by_hand import ask
from tests.lab.playground.sse import in_thread


async def test_one_run_looks_at_every_position_once_and_generates_nothing(
    laboratory: Laboratory,
) -> None:
    reply = (await ask(laboratory, prompt="ab", positions=[-1, 1, 3])).json()

    receipt = (await laboratory.client.get(f"/v1/jobs/{reply['jobs'][0]}")).json()
    assert len(reply["jobs"]) == 1
    assert receipt["positions"] == [1, 3]
    assert receipt["prompt_token_ids"] == [0, *ids_of("ab")]
    assert (receipt["sampling"]["max_tokens"], receipt["sampling"]["temperature"]) == (0, 0.0)
    assert receipt["usage"] == {"prompt_tokens": 3, "completion_tokens": 0}
    assert receipt["request"] == {"model": laboratory.model.slug, "positions": [-1, 1, 3]}
    assert receipt["endpoint"] == "/v1/distributions"


async def test_the_quota_sets_rows_aside_and_counts_what_was_read(laboratory: Laboratory) -> None:
    reply = (await ask(laboratory, prompt="ab", positions=[-1, 1, 3])).json()
    # Its receipt waits for the outcome.
    await laboratory.client.get(f"/v1/jobs/{reply['jobs'][0]}")

    kept = await in_thread(Reservation.objects.get)
    report = (await laboratory.client.get("/v1/usage")).json()
    assert (kept.reserved_tokens, kept.used_tokens) == (5, 3)
    assert (report["used"], report["under_way"]) == (3, 0)


async def test_an_idempotency_key_is_for_one_request(laboratory: Laboratory) -> None:
    body = {"model": laboratory.model.slug, "prompt": "ab", "top": 2}
    header = {"Idempotency-Key": "mine"}
    async with laboratory.working():
        first = await laboratory.client.ask("/v1/distributions", json=body, **header)
        again = await laboratory.client.ask("/v1/distributions", json=body, **header)
        other = await laboratory.client.ask("/v1/distributions", json={**body, "top": 3}, **header)
        scores = await laboratory.client.ask(
            "/v1/scores",
            json={"model": laboratory.model.slug, "context": "a", "continuations": ["b"]},
            **header,
        )

    assert again.json() == first.json()
    for refused in (other, scores):
        error = refused.json()["error"]
        assert (refused.status_code, error["code"], error["param"]) == (
            400, "idempotency_key_reused", "Idempotency-Key",
        )  # fmt: skip
    assert await in_thread(Call.objects.count) == 1


async def test_the_record_names_the_call_and_not_what_was_asked(laboratory: Laboratory) -> None:
    reply = (await ask(laboratory, prompt="secret")).json()

    event = await in_thread(AuditEvent.objects.get, tag="jobs.call.submitted")
    call = await in_thread(Call.objects.get)
    assert reply["id"] == f"call-{call.pk.hex}"
    assert (event.actor_id, event.subject) == (laboratory.user.pk, f"call:{call.pk}")
    assert event.data == {
        "model": laboratory.model.slug, "endpoint": "/v1/distributions", "runs": 1,
    }  # fmt: skip


async def test_it_is_not_replayed_and_nobody_elses(laboratory: Laboratory) -> None:
    reply = (await ask(laboratory, prompt="ab")).json()
    address = f"/v1/jobs/{reply['jobs'][0]}"
    stranger, _ = await in_thread(make_researcher, laboratory.model)
    theirs = await aclient_of(stranger)

    replay = await laboratory.client.post(f"{address}/replay")

    assert (replay.status_code, replay.json()["error"]["code"]) == (400, "invalid_value")
    assert (await theirs.get(address)).status_code == 404
    assert (await theirs.delete(address)).status_code == 404


async def test_an_erased_run_leaves_no_row_at_the_broker(laboratory: Laboratory) -> None:
    reply = (await ask(laboratory, prompt="ab", positions=[1, 3])).json()
    job = await in_thread(GenerationJob.objects.get)
    rows = [row_key(job.pk, position) for position in (1, 3)]
    assert laboratory.valkey.exists(*rows) == 2

    erased = await laboratory.client.delete(f"/v1/jobs/{reply['jobs'][0]}")

    assert erased.json()["state"] == "erased"
    assert laboratory.valkey.exists(*rows) == 0
