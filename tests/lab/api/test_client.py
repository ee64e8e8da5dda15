"""The tests' client takes the same path as a real one."""

from __future__ import annotations

import pytest

from tests.factories.jobs import make_researcher
from tests.lab.api.client import ApiClient, client_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client() -> ApiClient:
    user, _ = make_researcher()
    return client_of(user)


async def test_a_key_opens_the_list_of_models(client: ApiClient) -> None:
    response = await client.get("/v1/models")
    assert response.status_code == 200
    assert [model["object"] for model in response.json()["data"]] == ["model"]


async def test_without_a_key_nothing_opens() -> None:
    response = await ApiClient().get("/v1/models")
    assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")
