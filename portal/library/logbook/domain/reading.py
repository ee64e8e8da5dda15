"""Who may read a logbook."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.urls import reverse

from portal.gate.catalog.models import HostedModel
from portal.gate.licensing.domain.signing import standing
from portal.gate.licensing.enums import Standing
from portal.library.logbook.enums import Audience
from portal.library.logbook.models import Run
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


def require_reader(run: Run, reader: User | AnonymousUser, *, at: datetime) -> None:
    """Raise `DomainError` unless the logbook is open to all, or the reader has signed the licence.

    The run has its release and licence loaded. `next_url` leads to the sign-in or the signature.
    """
    if run.audience == Audience.EVERYONE:
        return
    licence = run.release.licence
    if not isinstance(reader, User) or not reader.is_active:
        raise DomainError(
            RefusalCode.NOT_SIGNED_IN,
            f"This logbook is for people who have signed {licence.name}. Sign in first.",
            next_url=reverse("account_login"),
        )
    match standing(reader, licence, at=at):
        case Standing.UNSIGNED:
            raise DomainError(
                RefusalCode.LICENCE_UNSIGNED,
                f"This logbook is for people who have signed {licence.name}. Read and sign it.",
                next_url=reverse("licensing:sign", args=[licence.slug]),
            )
        case Standing.OUTDATED:
            raise DomainError(
                RefusalCode.LICENCE_OUTDATED,
                f"{licence.name} has changed since you signed it. Read and sign the new version.",
                next_url=reverse("licensing:sign", args=[licence.slug]),
            )


def newest_runs(model: HostedModel) -> QuerySet[Run]:
    """The runs about a model, or about its whole release, that no other run continues."""
    about = Run.objects.filter(release=model.release_id, continuations=None)
    return about.filter(model=model) | about.filter(model=None)
