"""`manage.py verify_audit`: checks that the audit log is intact."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.models import AuditEvent


class Command(BaseCommand):
    """Exits with 1 and names every row at which the chain is broken."""

    help = "Check the audit log's hash chain; exit with 1 and name the rows that break it."

    def handle(self, **_: object) -> None:
        breaks = find_breaks()
        if breaks:
            rows = "\n".join(f"  row {found.event_id}: {found.reason}" for found in breaks)
            raise CommandError(f"The audit log is broken.\n{rows}", returncode=1)
        last = AuditEvent.objects.last()
        if last is None:
            self.stdout.write("The audit log is empty.")
            return
        count = AuditEvent.objects.count()
        self.stdout.write(f"The audit log is intact: {count} events, the last hash is {last.hash}.")
