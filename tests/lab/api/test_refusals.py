"""Every wrong request gets JSON in one shape, and never a redirect."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.enums import GrantState, KeyScope
from portal.gate.access.models import Grant
from portal.gate.catalog.enums import ModelStatus
from portal.gate.keys.models import ApiKey
from tests.factories.jobs import GenerationJobFactory, make_researcher
from tests.lab.api.client import ApiClient, aclient_of
from tests.lab.api.conftest import Laboratory
from tests.lab.playground.sse import in_thread


def body_of(laboratory: Laboratory) -> dict[str, Any]:
    return {"model": laboratory.model.slug, "prompt": "a", "max_tokens": 2}


async def refuse(client: ApiClient, body: object, path: str = "/v1/completions") -> list[Any]:
    response = await client.ask(path, json=body)
    error = response.json()["error"]
    assert sorted(error)[:1] == ["code"]
    assert response["X-Request-ID"]
    return [response.status_code, error["type"], error["code"]]


async def test_no_key_and_a_wrong_one(laboratory: Laboratory) -> None:
    expected = [401, "authentication_error", "invalid_api_key"]

    assert await refuse(ApiClient(), body_of(laboratory)) == expected
    assert await refuse(ApiClient("sk-nothing"), body_of(laboratory)) == expected


async def test_a_key_that_was_revoked_or_has_expired(laboratory: Laboratory) -> None:
    now = timezone.now()
    await in_thread(ApiKey.objects.update, expires_at=now)
    assert await refuse(laboratory.client, body_of(laboratory)) == [
        401,
        "authentication_error",
        "key_expired",
    ]

    await in_thread(ApiKey.objects.update, expires_at=None, revoked_at=now)
    assert await refuse(laboratory.client, body_of(laboratory)) == [
        401,
        "authentication_error",
        "key_revoked",
    ]


async def test_a_key_for_something_else(laboratory: Laboratory) -> None:
    reader = await aclient_of(laboratory.user, scopes=[KeyScope.READ])

    assert await refuse(reader, body_of(laboratory)) == [403, "permission_error", "key_scope"]
    assert (await reader.get("/v1/models")).status_code == 200


async def test_access_is_asked_at_every_call(laboratory: Laboratory) -> None:
    await in_thread(Grant.objects.update, state=GrantState.SUSPENDED)
    response = await laboratory.client.ask("/v1/completions", json=body_of(laboratory))

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (403, "suspended")
    assert error["next_step"].endswith("/access/")
    assert (await laboratory.client.get("/v1/models")).json()["data"] == []


async def test_a_grant_ends_on_the_second(laboratory: Laboratory) -> None:
    now = timezone.now()
    await in_thread(
        Grant.objects.update, starts_at=now - timedelta(days=2), ends_at=now - timedelta(seconds=1)
    )

    assert await refuse(laboratory.client, body_of(laboratory)) == [
        403,
        "permission_error",
        "grant_expired",
    ]


async def test_a_model_that_is_not_served(laboratory: Laboratory) -> None:
    laboratory.model.status = ModelStatus.NOT_LOADED
    await in_thread(laboratory.model.save)

    response = await laboratory.client.ask("/v1/completions", json=body_of(laboratory))

    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert response.json()["error"]["code"] == "model_offline"


async def test_a_spent_quota_is_not_worth_another_try(
    laboratory: Laboratory, settings: Settings
) -> None:
    settings.DAILY_TOKEN_QUOTA = 3
    response = await laboratory.client.ask("/v1/completions", json=body_of(laboratory))

    assert (response.status_code, response["x-should-retry"]) == (429, "false")
    assert response.json()["error"]["type"] == "insufficient_quota"


async def test_a_full_queue_says_when_to_come_back(
    laboratory: Laboratory, settings: Settings
) -> None:
    settings.QUEUE_LIMIT = 1
    body = {**body_of(laboratory), "prompt": ["a", "b"]}
    response = await laboratory.client.ask("/v1/completions", json={**body, "stream": True})
    assert response.status_code == 200
    refused = await laboratory.client.ask("/v1/completions", json=body)

    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert refused.json()["error"]["type"] == "rate_limit_error"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/v1/nothing", 404),
        ("post", "/v1/completions/", 404),
        ("get", "/v1/completions", 405),
        ("delete", "/v1/models", 405),
        ("get", "/v1/jobs/no-uuid", 404),
        ("get", "/v1/jobs/00000000-0000-4000-8000-000000000000", 404),
        ("get", "/v1/models/facebook/opt-1", 404),
        ("get", "/v1/models/facebook%2Fopt-1", 404),
    ],
)
async def test_wrong_addresses(laboratory: Laboratory, method: str, path: str, status: int) -> None:
    response = await getattr(laboratory.client, method)(path)

    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"a"', b"null", b"\xff"])
async def test_a_body_that_is_no_object(laboratory: Laboratory, raw: bytes) -> None:
    response = await laboratory.client.post("/v1/completions", raw, content_type="application/json")

    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_value")


async def test_another_persons_run_is_not_there(laboratory: Laboratory) -> None:
    job = await in_thread(GenerationJobFactory.create, succeeded=True)
    stranger, _ = await in_thread(make_researcher)
    client = await aclient_of(stranger)

    for path in ("", "/events"):
        assert (await client.get(f"/v1/jobs/{job.pk}{path}")).status_code == 404
    for path in ("/cancel", "/replay"):
        assert (await client.post(f"/v1/jobs/{job.pk}{path}")).status_code == 404
    assert (await client.delete(f"/v1/jobs/{job.pk}")).status_code == 404


async def test_http_is_refused_where_the_site_is_https(
    laboratory: Laboratory, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = await laboratory.client.ask("/v1/completions", json=body_of(laboratory))

    assert (response.status_code, response.json()["error"]["code"]) == (403, "https_required")


async def test_a_body_that_is_too_large_is_told_the_limit(
    laboratory: Laboratory, settings: Settings
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = await laboratory.client.ask(
        "/v1/completions", json={**body_of(laboratory), "prompt": "a" * 1000}
    )

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (413, "request_too_large")
    assert "8,388,608 bytes" in error["message"]


async def test_headers_say_what_is_left(laboratory: Laboratory, settings: Settings) -> None:
    settings.DAILY_TOKEN_QUOTA = 100
    settings.API_JOBS_PER_USER = 3
    async with laboratory.working():
        response = await laboratory.client.ask("/v1/completions", json=body_of(laboratory))

    named = {name: value for name, value in response.items() if name.startswith("x-ratelimit")}
    # The run may have ended before it was counted.
    assert named.pop("x-ratelimit-remaining-requests") in {"2", "3"}
    assert named == {
        "x-ratelimit-limit-tokens": "100",
        "x-ratelimit-remaining-tokens": "96",
        "x-ratelimit-reset-tokens": "86400s",
        "x-ratelimit-limit-requests": "3",
        "x-ratelimit-limit-bytes": "60000000",
        "x-ratelimit-remaining-bytes": str(60_000_000 - len(json.dumps(body_of(laboratory)))),
        "x-ratelimit-reset-bytes": "60s",
    }


@pytest.mark.parametrize(
    "changes",
    [
        '"stop": ["\\u0000"]',
        '"prompt": "a\\u0000"',
        '"unknown": {"a": ["\\u0000"]}',
        '"un\\u0000known": 1',
        '"unknown": "\\ud800"',
        '"prompt": "\\ud800"',
    ],
)
async def test_characters_that_cannot_be_kept(laboratory: Laboratory, changes: str) -> None:
    raw = f'{{"model": "{laboratory.model.slug}", "max_tokens": 2, {changes}}}'
    response = await laboratory.client.post("/v1/completions", raw, content_type="application/json")

    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_value")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/models/a%00", (404, "not_found")),
        ("/v1/files/file-%00", (404, "not_found")),
        ("/v1/files?purpose=%00", (400, "invalid_value")),
    ],
)
async def test_an_address_with_a_nul(
    laboratory: Laboratory, path: str, expected: tuple[int, str]
) -> None:
    response = await laboratory.client.get(path)

    assert (response.status_code, response.json()["error"]["code"]) == expected
