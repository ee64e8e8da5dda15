"""Whether a person may read a repository or fetch a file; every request asks.

Weights ask `decide`. Code, notes and data are public, or for people who have signed the licence.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from portal.gate.access.domain.decide import Decision, decide
from portal.gate.access.enums import Capability, KeyScope
from portal.gate.keys.domain.authentication import KeyRefused, authenticate_key, require_scope
from portal.gate.keys.models import ApiKey
from portal.gate.licensing.domain.readers import Reader, require_signature
from portal.gate.licensing.models import Licence
from portal.library.weights.enums import Audience
from portal.library.weights.models import File, Repository, Revision
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


def find_caller(key_text: str, *, at: datetime) -> ApiKey | None:
    """The caller's key; None for a caller without one. Raises `KeyRefused`."""
    return authenticate_key(key_text, at=at) if key_text else None


def require_caller(key_text: str, *, at: datetime) -> ApiKey:
    """The caller's key. Raises `KeyRefused`, also if there is none."""
    key = find_caller(key_text, at=at)
    if key is None:
        raise KeyRefused(
            RefusalCode.INVALID_API_KEY,
            "This needs a key with the scope weights. Run hf auth login, or make one and set "
            "HF_TOKEN to it.",
        )
    return key


def require_listing(revision: Revision, key_text: str, *, at: datetime) -> None:
    """Raise `DomainError` unless the caller may see the revision's files.

    If some of the weights are open, so is the list; a key is still checked.
    """
    key = find_caller(key_text, at=at)
    if not revision.repository.is_weights:
        _require_reader_by_key(revision.repository, key, at=at)
    elif not revision.files.filter(is_open=True).exists():
        require_weights(revision, key or require_caller(key_text, at=at), at=at)


def require_file(file: File, revision: Revision, key_text: str, *, at: datetime) -> ApiKey | None:
    """The key under which a download of weights is recorded; None for what needs no grant.

    Raises `DomainError`.
    """
    key = find_caller(key_text, at=at)
    if not revision.repository.is_weights:
        _require_reader_by_key(revision.repository, key, at=at)
        return None
    if file.is_open:
        return None
    key = key or require_caller(key_text, at=at)
    require_weights(revision, key, at=at)
    return key


def require_weights(revision: Revision, key: ApiKey, *, at: datetime) -> None:
    """Raise `DomainError` unless the key and its owner's access cover the weights now."""
    model = revision.repository.model
    decision = decide(key.user, model, Capability.WEIGHTS, at)
    if not decision.allowed:
        raise describe_refusal(decision)
    # After the person's own access, so that the message is about the key alone.
    require_scope(key, KeyScope.WEIGHTS, model)


def require_reader(repository: Repository, reader: Reader, *, at: datetime) -> None:
    """Raise `DomainError` unless a person may read this code, notes or data.

    The repository is one of `lookup.ROWS`. `next_url` leads to the sign-in or the signature.
    """
    if repository.audience != Audience.PUBLIC:
        licence = repository.release.licence
        require_signature(licence, reader, what=repository.name, at=at)


def readable_repositories(signed: Iterable[Licence]) -> Q:
    """Those that `require_reader` opens to a person who has signed these licences."""
    return Q(audience=Audience.PUBLIC) | Q(
        audience=Audience.LICENCE_HOLDERS, release__licence__in=signed
    )


def _require_reader_by_key(repository: Repository, key: ApiKey | None, *, at: datetime) -> None:
    """The same for a terminal. Any working key does: it only says who its owner is."""
    if key is None and repository.audience != Audience.PUBLIC:
        raise KeyRefused(
            RefusalCode.INVALID_API_KEY,
            f"{repository.name} is for people who have signed {repository.release.licence.name}. "
            "Sign it, make a key with any scope, and set HF_TOKEN to it.",
        )
    try:
        require_reader(repository, key.user if key else None, at=at)
    except DomainError as error:
        raise DomainError(
            error.code,
            f"{error.message} {settings.SITE_URL}{error.next_url}",
            next_url=error.next_url,
        ) from None


def describe_refusal(decision: Decision) -> DomainError:
    """The decision as an error, with the next step in full, since it is read in a terminal."""
    step = decision.next_step
    way_out = f" {step.label}: {settings.SITE_URL}{step.url}" if step else ""
    return DomainError(
        RefusalCode(decision.code),
        f"{decision.message}{way_out}",
        next_url=step.url if step else None,
    )
