"""`manage.py erase_voucher EMAIL`: erase a referee or an official who asked for it."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from portal.gate.vouching.domain.erasure import erase_vouchers, vouches_by


class Command(BaseCommand):
    """Erases nothing without `--confirm`."""

    help = "Erase the name, address and words of somebody who was asked about an applicant."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--confirm", action="store_true", help="erase; this cannot be undone")

    def handle(self, *, email: str, confirm: bool, **_: object) -> None:
        found = vouches_by(email)
        if not found.exists():
            raise CommandError("Nobody with this address was asked about an applicant.")
        if not confirm:
            raise CommandError(
                f"This would erase them from {found.count()} requests. Repeat it with --confirm."
            )
        erased = erase_vouchers(found, actor=None)
        self.stdout.write(f"Erased from {erased} requests.")
