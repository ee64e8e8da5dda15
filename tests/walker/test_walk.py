"""Every address, as every kind of person, compared with a committed table.

`WRITE_TABLE=1 pytest tests/walker` rewrites the table; read its diff before committing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.apps import apps
from django.core.cache import cache
from django.http import HttpResponseBase
from django.test import Client
from django.test.client import ClientHandler

from portal.platform.accounts.models import User
from tests.walker import cast, people
from tests.walker.routes import Route, all_routes

pytestmark = pytest.mark.slow

TABLE = Path(__file__).with_name("table.txt")
ACTORS = (
    "anonymous", "applicant", "researcher", "other", "member", "suspended", "reviewer", "auditor",
    "operator",
)  # fmt: skip
HANDLER = ClientHandler(enforce_csrf_checks=False)
"""The site, for all clients: a client of its own would list all static files again."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_every_address_answers_everybody_as_the_table_says() -> None:
    actors = people.seed()
    arguments = cast.arguments(actors)

    walked = [
        _walk_route(route, actors=actors, arguments=_with_admin_object(route, arguments))
        for route in all_routes()
    ]

    table = _draw_table(walked)
    if "WRITE_TABLE" in os.environ:
        TABLE.write_text(table, encoding="utf-8")
    assert table.splitlines() == TABLE.read_text(encoding="utf-8").splitlines()


def _walk_route(
    route: Route, *, actors: Mapping[str, User | None], arguments: Mapping[str, object]
) -> list[str]:
    address = route.address(arguments)
    answers = {name: _ask("GET", address, user) for name, user in actors.items()}
    method = "GET"
    if set(answers.values()) & {"405"}:
        method = "POST"
        answers = {name: _ask("POST", address, user) for name, user in actors.items()}
    return [route.pattern, method, *(answers[name] for name in ACTORS)]


def _ask(method: str, address: str, user: User | None) -> str:
    cache.clear()
    client = Client()
    client.handler = HANDLER
    if user is not None:
        client.force_login(user)
    response = client.generic(method, address)
    response.close()
    return _describe(response)


def _describe(response: HttpResponseBase) -> str:
    target = response.headers.get("Location", "")
    if target.startswith("/account/login/"):
        return f"{response.status_code}>sign-in"
    return str(response.status_code)


def _with_admin_object(route: Route, arguments: Mapping[str, object]) -> Mapping[str, object]:
    parts = route.pattern.split("/")
    if parts[0] != "admin" or "<path:object_id>" not in parts or parts[1].startswith("r"):
        return arguments
    instance = apps.get_model(parts[1], parts[2])._default_manager.first()
    return {**arguments, "object_id": instance.pk if instance else 0}


def _draw_table(rows: list[list[str]]) -> str:
    head = ["address", "method", *ACTORS]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join(lines) + "\n"
