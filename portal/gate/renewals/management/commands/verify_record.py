"""`manage.py verify_record`: check that the tables match the audit log."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from portal.gate.access.domain.numbers import reconcile
from portal.gate.renewals.domain import rebuild


class Command(BaseCommand):
    """Exits with 1 and names every application, grant, signature and renewal that differs."""

    help = "Compare applications, grants, signatures and renewals with the audit log."

    def handle(self, **_: object) -> None:
        differing = [*reconcile.find_differences(), *rebuild.find_differences()]
        if differing:
            subjects = "\n".join(f"  {subject}" for subject in differing)
            raise CommandError(f"These differ from the audit log.\n{subjects}", returncode=1)
        self.stdout.write("The tables match the audit log.")
