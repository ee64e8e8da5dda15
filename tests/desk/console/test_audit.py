"""The audit log's page and its exports."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks, record
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
LOG = "/console/audit/"


@pytest.fixture
def auditor(db: None) -> User:
    return UserFactory.create(is_auditor=True)


@pytest.fixture
def desk(auditor: User, client: Client) -> Client:
    client.force_login(auditor)
    return client


def write(subject: str, *, actor: User | None = None) -> AuditEvent:
    return record(AuditTag.JOB_SUBMITTED, actor=actor, subject=subject, data={"a": 'x, "y"\n'})


@pytest.mark.parametrize("role", ["is_reviewer", "is_staff", None])
def test_nobody_but_auditors_reads_the_log(client: Client, role: str | None) -> None:
    client.force_login(UserFactory.create(**{role: True} if role else {}))
    answers = [client.get(LOG).status_code, client.get(f"{LOG}export/csv/").status_code]
    assert (answers, AuditEvent.objects.count()) == ([403, 403], 0)


def test_every_look_is_an_event(desk: Client, auditor: User) -> None:
    desk.get(LOG, {"tag": AuditTag.JOB_SUBMITTED, "page": "1"})
    desk.get(f"{LOG}export/csv/", {"subject": "job:"})
    told = AuditEvent.objects.values_list("tag", "actor", "data")
    assert list(told) == [
        ("audit.log.viewed", auditor.pk, {"filter": {"tag": "jobs.job.submitted"}, "page": 1}),
        ("audit.log.exported", auditor.pk, {"filter": {"subject": "job:"}, "format": "csv"}),
    ]
    assert find_breaks() == []


def test_filters_find_by_person_subject_kind_and_day(desk: Client) -> None:
    ann = UserFactory.create()
    first, second = write("job:1", actor=ann), write("job:2")
    other = write("grant:1")
    day = f"{first.at:%Y-%m-%d}"

    def found(**chosen: Any) -> list[int]:
        wanted = {"tag": AuditTag.JOB_SUBMITTED.value, **chosen}
        return [event.id for event in desk.get(LOG, wanted).context["events"]]

    assert found() == [other.id, second.id, first.id]
    assert found(actor=ann.pk) == [first.id]
    assert found(subject="job:2") == [second.id]
    assert found(subject="job:") == [second.id, first.id]
    assert found(since=day, until=day) == [other.id, second.id, first.id]
    assert found(until="2000-01-01") == []


@pytest.mark.parametrize("rows", [1, 3])
def test_the_log_asks_the_database_no_more_for_more_rows(
    desk: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        write(f"job:{number}", actor=UserFactory.create())
    desk.get(LOG, {"subject": "job:"})
    with django_assert_num_queries(10):
        desk.get(LOG, {"subject": "job:"})


@pytest.mark.django_db(transaction=True)
def test_an_export_holds_what_the_hashes_are_made_of(client: Client) -> None:
    with transaction.atomic():
        write("job:1")
        write("job:2")
    client.force_login(UserFactory.create(is_auditor=True))
    response: Any = client.get(f"{LOG}export/jsonl/", {"subject": "job:"})

    async def read() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    rows = [json.loads(line) for line in asyncio.run(read()).splitlines()]
    assert [(row["subject"], row["data"]) for row in rows] == [
        ("job:1", {"a": 'x, "y"\n'}),
        ("job:2", {"a": 'x, "y"\n'}),
    ]
    assert rows[1]["previous_hash"] == rows[0]["hash"]


def test_the_command_writes_csv_that_reads_back() -> None:
    event = write("job:1")
    out = io.StringIO()
    call_command("export_audit", format="csv", stdout=out)
    row, export = csv.DictReader(io.StringIO(out.getvalue(), newline=""))
    assert (export["tag"], export["actor"], json.loads(export["data"])) == (
        "audit.log.exported",
        "",
        {"filter": {}, "format": "csv", "by": "export_audit"},
    )
    assert (row["id"], row["hash"]) == (str(event.id), event.hash)
    assert json.loads(row["data"]) == event.data
