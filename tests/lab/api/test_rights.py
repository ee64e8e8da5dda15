"""Every route under `/v1` declares the right it requires, and people without it are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from ninja.operation import Operation

from portal.gate.access.enums import GrantState, KeyScope
from portal.gate.access.models import Grant
from portal.lab.api.api import api
from portal.lab.api.auth import KeyAuth, Right
from portal.lab.api.document.examples import EXAMPLES
from tests.factories.access import GrantFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory
from tests.lab.api.client import ApiClient, aclient_of
from tests.lab.api.conftest import Laboratory
from tests.lab.playground.sse import in_thread

STOPPED = [(GrantState.SUSPENDED, "suspended"), (GrantState.REVOKED, "revoked")]


def routes() -> Iterator[tuple[str, str, Operation]]:
    """Name, address and operation of every route."""
    for router in api._get_bound_routers():
        for path, view in router.path_operations.items():
            for operation in view.operations:
                yield operation.view_func.__name__, f"/v1{path}", operation


def right_of(operation: Operation) -> Right:
    (auth,) = operation.auth_callbacks
    assert isinstance(auth, KeyAuth)
    return auth.right


def names(right: Right) -> list[str]:
    return sorted(name for name, _, operation in routes() if right_of(operation) is right)


def test_what_needs_no_right_is_to_see_and_to_end_what_is_ones_own() -> None:
    assert names(Right.NONE) == [
        "cancel_batch",
        "cancel_job",
        "delete_file",
        "delete_job",
        "export_usage",
        "get_batch",
        "get_events",
        "get_file",
        "get_job",
        "get_model",
        "get_usage",
        "list_batches",
        "list_files",
        "list_models",
        "read_file",
    ]


def test_what_is_for_reviewers_is_what_reviewers_do() -> None:
    decisions = [name for name, path, _ in routes() if path.startswith("/v1/decisions/")]
    assert names(Right.REVIEWER) == sorted(decisions)


def test_whoever_names_a_model_asks_for_that_one() -> None:
    naming = [name for name, path, operation in routes() if _names_model(path, operation)]
    assert names(Right.MODEL) == sorted([*naming, "replay_job"])


def _names_model(path: str, operation: Operation) -> bool:
    if right_of(operation) is Right.REVIEWER or operation.methods == ["GET"]:
        return False
    schemas = [model.model_json_schema() for model in operation.models]
    return "{path:engine}" in path or any(
        "model" in part.get("properties", {})
        for schema in schemas
        for part in schema.get("$defs", {}).values()
    )


async def ask(
    client: ApiClient, laboratory: Laboratory, name: str, path: str, operation: Operation
) -> tuple[int, str]:
    """Status and code of the route's example, with the test's model and run."""
    job = await in_thread(
        GenerationJobFactory.create, user=laboratory.user, model=laboratory.model, succeeded=True
    )
    values = {
        "model_id": laboratory.model.slug,
        "engine": laboratory.model.slug,
        "job_id": str(job.pk),
        "file_id": "file-" + "0" * 32,
        "batch_id": "batch_" + "0" * 32,
        "case_number": "A-1",
        "grant_id": "1",
    }
    filled = re.sub(r"{(?:\w+:)?(\w+)}", lambda found: values[found[1]], path)
    body = dict(EXAMPLES[name].request or {})
    if "model" in body:
        body["model"] = laboratory.model.slug
    (method,) = operation.methods
    sent = {"data": body, "content_type": "application/json"} if method == "POST" else {}
    response = await getattr(client, method.lower())(filled, **sent)
    is_json = response["Content-Type"].startswith("application/json")
    error = (response.json().get("error") if is_json else None) or {}
    return response.status_code, error.get("code", "")


async def walk(client: ApiClient, laboratory: Laboratory) -> dict[str, tuple[int, str]]:
    return {name: await ask(client, laboratory, name, path, op) for name, path, op in routes()}


@pytest.mark.parametrize(("state", "code"), STOPPED)
async def test_who_has_nothing_open_is_refused_everywhere_else(
    laboratory: Laboratory, state: GrantState, code: str
) -> None:
    client = await aclient_of(laboratory.user, scopes=list(KeyScope))
    await in_thread(Grant.objects.update, state=state)

    answers = await walk(client, laboratory)

    refused = {name for name, (status, _) in answers.items() if status == 403}
    own = set(names(Right.NONE))
    assert refused == set(answers) - own
    assert {answers[name] for name in refused - set(names(Right.REVIEWER))} == {(403, code)}
    assert {answers[name] for name in names(Right.REVIEWER)} == {(403, "reviewers_only")}


@pytest.mark.parametrize(("state", "code"), STOPPED)
async def test_who_has_another_model_is_refused_this_one(
    laboratory: Laboratory, state: GrantState, code: str
) -> None:
    client = await aclient_of(laboratory.user, scopes=list(KeyScope))
    await in_thread(_open_another, laboratory)
    await in_thread(Grant.objects.filter(model=laboratory.model).update, state=state)

    answers = await walk(client, laboratory)

    assert {answers[name] for name in names(Right.MODEL)} == {(403, code)}
    # These name no model: a batch checks the model that its file names.
    assert {answers[name] for name in names(Right.ACCESS)} == {
        (400, "invalid_value"),
        (404, "not_found"),
    }


def _open_another(laboratory: Laboratory) -> None:
    model = HostedModelFactory.create(release=laboratory.model.release)
    GrantFactory.create(user=laboratory.user, model=model)


def test_a_route_that_says_nothing_asks_for_a_right() -> None:
    assert KeyAuth().right is Right.ACCESS
