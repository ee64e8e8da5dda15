"""`manage.py erase_person EMAIL`: erase a person at their request."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from portal.desk.privacy.domain.erasure import erase_person, pseudonym
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError


class Command(BaseCommand):
    """Erases nothing without `--confirm`."""

    help = "Erase a person's name, addresses and texts. Records remain under a number."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--confirm", action="store_true", help="erase; this cannot be undone")

    def handle(self, *, email: str, confirm: bool, **_: object) -> None:
        person = User.objects.filter(email__iexact=email).first()
        if person is None:
            raise CommandError("No account here has this address.")
        if not confirm:
            raise CommandError(
                f"This would erase {pseudonym(person.pk)} for good. Repeat with --confirm."
            )
        try:
            erase_person(person, actor=None)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Erased. Records now name this person {pseudonym(person.pk)}.")
