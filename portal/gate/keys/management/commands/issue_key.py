"""`manage.py issue_key EMAIL --name NAME`: make a person's API key, and print only the key."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal.gate.access.capabilities import RESEARCH_SCOPES
from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.authentication import KeyRefused, authenticate_key
from portal.gate.keys.domain.lifecycle import issue_key
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError


class Command(BaseCommand):
    """Only the key goes to the standard output, so that a script can read it."""

    help = "Make an API key for a person and print only the key. It cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the address of the key's owner")
        parser.add_argument("--name", required=True, help="the name of the key")
        parser.add_argument(
            "--scope",
            action="append",
            choices=KeyScope.values,
            help="what it may be used for; repeatable (default: everything but decisions)",
        )
        parser.add_argument(
            "--model",
            action="append",
            metavar="SLUG",
            help="a model that it is limited to; repeatable (default: every model)",
        )
        parser.add_argument("--days", type=int, help="how many days it works (default: no end)")
        parser.add_argument(
            "--keep-in",
            type=Path,
            metavar="FILE",
            help="keep it in a file that only this user can read; print that key while it works",
        )

    def handle(self, *, email: str, keep_in: Path | None, **options: object) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"EMAIL: there is no account with the address {email}.")
        kept = keep_in.read_text().strip() if keep_in and keep_in.is_file() else ""
        if not _works(kept, user):
            kept = self._issue(user, **options)  # type: ignore[arg-type]
            if keep_in:
                _write_private(keep_in, kept)
        self.stdout.write(kept)

    def _issue(
        self,
        user: User,
        *,
        name: str,
        scope: list[str] | None,
        model: list[str] | None,
        days: int | None,
        **_: object,
    ) -> str:
        try:
            issued = issue_key(
                user,
                name=name,
                scopes=[KeyScope(value) for value in scope] if scope else RESEARCH_SCOPES,
                models=_find_models(model or []),
                expires_at=timezone.now() + timedelta(days=days) if days is not None else None,
                by_operator=True,
            )
        except DomainError as error:
            raise CommandError(error.message) from None
        return issued.text


def _works(text: str, user: User) -> bool:
    try:
        return authenticate_key(text, at=timezone.now()).user == user
    except KeyRefused:
        return False


def _find_models(slugs: list[str]) -> list[HostedModel]:
    models = list(HostedModel.objects.filter(slug__in=slugs))
    missing = sorted(set(slugs) - {model.slug for model in models})
    if missing:
        known = ", ".join(HostedModel.objects.values_list("slug", flat=True))
        raise CommandError(f"--model: there is no {', '.join(missing)} here (known: {known}).")
    return models


def _write_private(file: Path, text: str) -> None:
    partial = file.with_name(f"{file.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    partial.replace(file)
