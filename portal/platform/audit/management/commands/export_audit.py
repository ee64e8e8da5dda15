"""`manage.py export_audit`: the audit log as CSV or JSON lines on standard output."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand
from django.db import transaction

from portal.platform.audit.domain.record import LOG_SUBJECT, record
from portal.platform.audit.domain.search import FORMS, EventFilter, export_events, find_events
from portal.platform.audit.enums import AuditTag


class Command(BaseCommand):
    """Writes all events, or those of one tag or subject; the export itself is recorded first."""

    help = "Write the audit log to standard output as CSV or JSON lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=sorted(FORMS), default="jsonl")
        parser.add_argument("--tag", default="", help="for example access.application.approved")
        parser.add_argument("--subject", default="", help="for example application:GH-2026-0001")

    def handle(self, *, format: str, tag: str, subject: str, **_: object) -> None:  # noqa: A002 -- the option's name
        chosen = {name: value for name, value in (("tag", tag), ("subject", subject)) if value}
        with transaction.atomic():
            record(
                AuditTag.AUDIT_EXPORTED,
                actor=None,
                subject=LOG_SUBJECT,
                data={"filter": chosen, "format": format, "by": "export_audit"},
            )
        events = find_events(EventFilter(tag=tag, subject=subject))
        for text in export_events(events, form=format):
            self.stdout.write(text, ending="")
