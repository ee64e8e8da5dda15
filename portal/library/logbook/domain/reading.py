"""Who may read a logbook."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from portal.gate.catalog.models import HostedModel
from portal.gate.licensing.domain.readers import Reader, require_signature
from portal.gate.licensing.models import Licence
from portal.library.logbook.enums import Audience
from portal.library.logbook.models import Run


def require_reader(run: Run, reader: Reader, *, at: datetime) -> None:
    """Raise `DomainError` unless the logbook is open to all, or the reader has signed the licence.

    The run has its release and licence loaded. `next_url` leads to the sign-in or the signature.
    """
    if run.audience != Audience.EVERYONE:
        require_signature(run.release.licence, reader, what="This logbook", at=at)


def readable_runs(signed: Iterable[Licence]) -> Q:
    """The runs that `require_reader` opens to a person who has signed these licences."""
    return Q(audience=Audience.EVERYONE) | Q(release__licence__in=signed)


def newest_runs(model: HostedModel) -> QuerySet[Run]:
    """The runs about a model, or about its whole release, that no other run continues."""
    about = Run.objects.filter(release=model.release_id, continuations=None)
    return about.filter(model=model) | about.filter(model=None)
