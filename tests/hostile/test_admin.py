"""What an operator can see in the Django admin, and the traces that they leave."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import URLPattern, reverse

from portal.platform.accounts.models import User
from portal.platform.audit.admin import AuditEventAdmin
from portal.platform.audit.domain.record import find_breaks, record
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.site_admin import SiteAdmin
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
TABLES = sorted(admin.site._registry.values(), key=lambda table: table.model._meta.label)
EVENT = "/admin/audit/auditevent/"


@pytest.fixture
def operator() -> User:
    return UserFactory.create(is_staff=True)


@pytest.fixture
def desk(operator: User, client: Client) -> Client:
    client.force_login(operator)
    return client


def columns(table: admin.ModelAdmin) -> list[str]:  # type: ignore[type-arg]
    """Every column, and every column of the rows that a row points to."""
    found = []
    for field in table.model._meta.get_fields():
        found.append(field.name)
        if field.is_relation and field.related_model:
            found += [f"{field.name}__{own.name}" for own in field.related_model._meta.get_fields()]
    return found


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.model._meta.label)
def test_a_table_is_filtered_by_what_it_offers_and_by_nothing_else(
    table: admin.ModelAdmin,  # type: ignore[type-arg]
) -> None:
    assert isinstance(table, SiteAdmin)
    request = RequestFactory().get("/")
    for column in columns(table):
        for lookup in ("startswith", "contains", "regex", "gt", "in", "range"):
            assert not table.lookup_allowed(f"{column}__{lookup}", "a", request), column
        offered = {*table.get_list_filter(request), table.date_hierarchy}
        for lookup in (column, f"{column}__exact"):
            is_offered = column.removesuffix("__id") in offered
            assert is_offered or not table.lookup_allowed(lookup, "a", request), lookup


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.model._meta.label)
def test_every_filter_that_is_offered_works(
    table: admin.ModelAdmin,  # type: ignore[type-arg]
    operator: User,
) -> None:
    """Each of the links beside a table leads to a page."""
    request = RequestFactory().get("/")
    request.user = operator
    changes: ChangeList = table.get_changelist_instance(request)
    for spec in changes.get_filters(request)[0]:
        for name in spec.expected_parameters():
            assert table.lookup_allowed(str(name), "1", request), name


@pytest.mark.parametrize(
    ("table", "query"),
    [
        ("accounts_user", "password__startswith"),
        ("mfa_authenticator", "data__contains"),
        ("mfa_authenticator", "user__password__startswith"),
        ("keys_apikey", "digest__startswith"),
        ("jobs_generationjob", "prompt__startswith"),
        ("jobs_generationjob", "user__password__startswith"),
        ("batches_storedfile", "chunks__content__contains"),
        ("audit_auditevent", "actor__password__startswith"),
    ],
)
def test_questions_about_secrets_are_refused(desk: Client, table: str, query: str) -> None:
    Authenticator.objects.create(
        user=UserFactory.create(), type=Authenticator.Type.TOTP, data={"secret": "A"}
    )
    path = reverse(f"admin:{table}_changelist")
    assert [desk.get(path, {query: letter}).status_code for letter in "ab"] == [400, 400]


def test_every_look_at_the_log_is_an_event_of_it(desk: Client, operator: User) -> None:
    with transaction.atomic():
        event = record(AuditTag.KEY_ISSUED, actor=None, subject="key:1")
    desk.get(EVENT)
    desk.get(EVENT, {"tag": "keys.key.issued", "q": "somebody@example.org"})
    desk.get(f"{EVENT}{event.pk}/change/")
    desk.get(f"{EVENT}{event.pk}/history/")

    looks = AuditEvent.objects.filter(tag=AuditTag.AUDIT_VIEWED)
    assert set(looks.values_list("actor", "subject")) == {(operator.pk, "audit-log")}
    key = {"admin": True, "event": str(event.pk)}
    assert list(looks.values_list("data", flat=True)) == [
        {"admin": True, "page": "list", "filter": {}, "searched": False},
        {"admin": True, "page": "list", "filter": {"tag": "keys.key.issued"}, "searched": True},
        {**key, "page": "event"},
        {**key, "page": "history"},
    ]
    assert find_breaks() == []


def test_no_page_of_the_log_is_left_out(desk: Client) -> None:
    """A page that is added, by Django or here, must be recorded as well."""
    with transaction.atomic():
        event = record(AuditTag.KEY_ISSUED, actor=None, subject="key:1")
    table = admin.site._registry[AuditEvent]
    assert isinstance(table, AuditEventAdmin)
    shown = {}
    for pattern in table.get_urls():
        if isinstance(pattern, URLPattern) and pattern.name:
            takes = "object_id" in pattern.pattern.converters
            path = reverse(f"admin:{pattern.name}", args=[event.pk] if takes else [])
            before = AuditEvent.objects.count()
            shown[pattern.name.rpartition("_")[2]] = (
                desk.get(path).status_code,
                AuditEvent.objects.count() - before,
            )
    assert shown == {
        "changelist": (200, 1),
        "add": (403, 0),
        "history": (200, 1),
        "delete": (403, 0),
        "change": (200, 1),
    }


def test_what_shows_nothing_is_no_look(desk: Client) -> None:
    assert desk.get(f"{EVENT}999/change/").status_code == 302
    assert desk.get(EVENT, {"actor__password__startswith": "a"}).status_code == 400
    assert AuditEvent.objects.count() == 0
