"""`manage.py verify_audit` tells an operator whether the log is intact."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


def write(subject: str) -> AuditEvent:
    return record(AuditTag.JOB_SUBMITTED, actor=None, subject=subject)


def verify() -> str:
    out = StringIO()
    call_command("verify_audit", stdout=out)
    return out.getvalue()


def tamper(statement: str, row: int) -> None:
    """What only someone with the database's own rights can do."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute(statement, [row])
        cursor.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER USER")


def test_an_empty_log_says_so() -> None:
    assert verify() == "The audit log is empty.\n"


def test_a_whole_log_names_its_last_hash() -> None:
    write("job:1")
    last = write("job:2")
    assert verify() == f"The audit log is intact: 2 events, the last hash is {last.hash}.\n"


def test_a_changed_row_is_named() -> None:
    write("job:1")
    victim = write("job:2")
    tamper("UPDATE audit_auditevent SET subject = 'job:9' WHERE id = %s", victim.pk)
    with pytest.raises(CommandError) as caught:
        verify()
    assert caught.value.returncode == 1
    assert str(caught.value) == (
        f"The audit log is broken.\n  row {victim.pk}: the row was changed after it was written"
    )


def test_the_row_after_a_missing_one_is_named() -> None:
    write("job:1")
    missing, last = write("job:2"), write("job:3")
    tamper("DELETE FROM audit_auditevent WHERE id = %s", missing.pk)
    with pytest.raises(CommandError) as caught:
        verify()
    assert str(caught.value) == (
        f"The audit log is broken.\n  row {last.pk}: a row before this one is missing or was added"
    )
