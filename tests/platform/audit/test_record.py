from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from portal.platform.audit.domain.record import GENESIS, Break, find_breaks, record
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


def write(subject: str) -> AuditEvent:
    return record(AuditTag.JOB_SUBMITTED, actor=None, subject=subject, data={"n": 1})


def test_events_chain_from_genesis() -> None:
    first, second = write("job:1"), write("job:2")

    assert first.previous_hash == GENESIS
    assert second.previous_hash == first.hash
    assert find_breaks() == []


@pytest.mark.django_db(transaction=True)
def test_record_outside_a_transaction_is_refused() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        write("job:1")

    assert AuditEvent.objects.count() == 0


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_auditevent SET subject = 'job:9'", "DELETE FROM audit_auditevent"],
)
def test_database_refuses_to_change_history(statement: str) -> None:
    write("job:1")

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert AuditEvent.objects.get().subject == "job:1"


def test_database_refuses_to_truncate_history() -> None:
    write("job:1")

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_auditevent")

    assert AuditEvent.objects.count() == 1


def test_tampered_row_is_named() -> None:
    write("job:1")
    victim = write("job:2")
    write("job:3")

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_auditevent SET subject = 'job:x' WHERE id = %s", [victim.id])

    assert find_breaks() == [Break(victim.id, "the row was changed after it was written")]


def test_removed_row_is_noticed_at_its_successor() -> None:
    write("job:1")
    victim = write("job:2")
    successor = write("job:3")

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM audit_auditevent WHERE id = %s", [victim.id])

    assert find_breaks() == [Break(successor.id, "a row before this one is missing or was added")]
