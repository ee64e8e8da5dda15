"""`manage.py seed_demo`: the demo's accounts, and what they have done so far."""

from __future__ import annotations

from argparse import ArgumentParser
from json import dumps

from django.core.management.base import BaseCommand, CommandError

from portal.gate.access.domain.demo import seed_demo
from portal.platform.core.errors import DomainError


class Command(BaseCommand):
    """Create the demo's accounts; idempotent, and refused outside the demo."""

    help = "Create the demo's accounts. Idempotent; works only where DEMO is on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print a list of {role, email, password}"
        )

    def handle(self, *, json: bool = False, **_: object) -> None:
        try:
            accounts = seed_demo()
        except DomainError as error:
            raise CommandError(error.message) from None
        rows = [
            {"role": account.role, "email": account.email, "password": account.password}
            for account in accounts
        ]
        if json:
            self.stdout.write(dumps(rows))
            return
        for row in rows:
            self.stdout.write(f"{row['role']:<12}{row['email']:<40}{row['password']}")
