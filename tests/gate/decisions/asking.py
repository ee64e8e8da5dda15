"""Addresses of the decision API, and what comes back from them."""

from __future__ import annotations

from typing import Any

from portal.gate.access.models import Application, Grant
from tests.lab.api.document import test_document
from tests.lab.api.document.test_document import OPERATIONS
from tests.lab.playground.sse import in_thread

APPLICATIONS = "/v1/decisions/applications"
GRANTS = "/v1/decisions/grants"


def place(application: Application, command: str = "") -> str:
    return f"{APPLICATIONS}/{application.case_number}" + (f"/{command}" if command else "")


def place_of_grant(grant: Grant, command: str) -> str:
    return f"{GRANTS}/{grant.pk}/{command}"


def faults_of(operation: str, content: object) -> list[str]:
    """Where an answer is not what the document says."""
    answer = OPERATIONS[operation]["responses"]["200"]["content"]["application/json"]
    return test_document.faults_of(content, answer["schema"])


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def refusal_of(response: Any) -> tuple[int, str, str | None]:
    """Status, code and param."""
    return *code_of(response), response.json()["error"]["param"]


async def state_of(application: Application) -> str:
    await in_thread(application.refresh_from_db)
    return str(application.state)
