"""The metrics page, its files, and who has access."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.enums import ApplicationState, Command
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from tests.factories.access import ApplicationFactory, GrantFactory, RulingFactory, StepFactory
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
METRICS = "/console/metrics/"
CSV = f"{METRICS}export/countries/"


@pytest.fixture
def auditor(db: None) -> User:
    return UserFactory.create(is_auditor=True)


@pytest.mark.parametrize(
    ("role", "answer"), [("is_reviewer", 200), ("is_auditor", 200), ("is_staff", 403), (None, 403)]
)
def test_reviewers_and_auditors_read_it(client: Client, role: str | None, answer: int) -> None:
    client.force_login(UserFactory.create(**{role: True} if role else {}))
    assert [client.get(METRICS).status_code, client.get(CSV).status_code] == [answer, answer]


def test_only_looks_of_auditors_are_events(client: Client, console: Client, auditor: User) -> None:
    console.get(METRICS)
    auditors = Client()
    auditors.force_login(auditor)
    auditors.get(METRICS, {"period": "30"})
    auditors.get(CSV)
    told = AuditEvent.objects.values_list("tag", "actor", "data")
    assert list(told) == [
        ("access.metrics.viewed", auditor.pk, {"days": 30, "table": ""}),
        ("access.metrics.viewed", auditor.pk, {"days": 90, "table": "countries"}),
    ]


def test_a_file_holds_the_table_and_hides_small_cells(console: Client) -> None:
    now = timezone.now()
    for number in range(8):
        state = ApplicationState.APPROVED if number < 6 else ApplicationState.REJECTED
        ApplicationFactory.create(country="NO", state=state, decided_at=now)
    ApplicationFactory.create(country="CH", state=ApplicationState.REJECTED, decided_at=now)
    ApplicationFactory.create(
        country="NO", state=ApplicationState.REJECTED, decided_at=now - timedelta(days=91)
    )
    rows = list(csv.reader(io.StringIO(console.get(CSV).content.decode())))
    assert rows == [
        ["Country", "Decided", "Approved", "Refused", "Approved, %"],
        ["Norway", "8", "6", "2", "75.0"],
        ["Others, 1 with fewer than 5 each", "fewer than 5", "", "", ""],
    ]


def test_there_is_no_file_of_another_name(console: Client) -> None:
    assert console.get(f"{METRICS}export/people/").status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_asks_the_database_no_more_for_more_rows(
    console: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        StepFactory.create()
        RulingFactory.create(step__command=Command.RETURN)
        GrantFactory.create(ends_at=timezone.now() + timedelta(days=3))
        ApplicationFactory.create(state=ApplicationState.APPROVED, decided_at=timezone.now())
    console.get(METRICS)
    with django_assert_num_queries(11):
        response = console.get(METRICS)
    shown = {table.slug: len(table.rows) for table in response.context["tables"]}
    assert shown["expiring"] == rows
