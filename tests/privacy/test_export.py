"""Everything about oneself, and nothing about others."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from portal.accounts.models import User
from portal.notices.domain.outbox import post
from tests.factories.access import GrantFactory, StepFactory
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory, make_researcher

pytestmark = pytest.mark.django_db
ADDRESS = "/account/everything/"


def unpack(content: bytes) -> dict[str, list[dict[str, Any]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


@pytest.fixture
def person() -> User:
    return make_researcher()[0]


def test_everything_of_oneself_is_in_the_file_and_nothing_of_others(
    person: User, client: Client
) -> None:
    reviewer = UserFactory(is_reviewer=True)
    application = person.applications.get()
    StepFactory(application=application, actor=reviewer, note="Welcome.")
    run = GenerationJobFactory(user=person, succeeded=True)
    GenerationJobFactory(succeeded=True)
    GrantFactory()
    with transaction.atomic():
        post(person, kind="test", subject="Hello", body="Text")
    client.force_login(person)
    files = unpack(client.post(ADDRESS).content)
    assert sorted(files) == [
        f"{name}.json"
        for name in [
            "account",
            "addresses",
            "api_keys",
            "applications",
            "audit_events",
            "grants",
            "notices",
            "other_sign_ins",
            "runs",
            "sessions",
            "signatures",
            "steps",
            "usage",
        ]
    ]
    assert [row["email"] for row in files["account.json"]] == [person.email]
    assert [row["id"] for row in files["runs.json"]] == [str(run.pk)]
    assert [row["prompt"] for row in files["runs.json"]] == [run.prompt]
    assert [row["case_number"] for row in files["applications.json"]] == [application.case_number]
    assert [row["subject"] for row in files["notices.json"]] == ["Hello"]
    assert [row["note"] for row in files["steps.json"]] == ["Welcome."]
    assert len(files["grants.json"]) == len(files["signatures.json"]) == 1


def test_no_secret_and_no_reviewer_is_in_the_file(person: User, client: Client) -> None:
    StepFactory(application=person.applications.get(), actor=UserFactory(is_reviewer=True))
    client.force_login(person)
    files = unpack(client.post(ADDRESS).content)
    kept = {field for rows in files.values() for row in rows for field in row}
    assert kept & {"password", "digest", "session_key", "actor", "worker"} == set()


def test_a_visitor_gets_nothing(client: Client) -> None:
    assert client.post(ADDRESS).status_code == 302
