"""Whether a caller may see a revision or fetch a file; every request asks."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from portal.gate.access.domain.decide import Decision, decide
from portal.gate.access.enums import Capability, KeyScope
from portal.gate.keys.domain.authentication import KeyRefused, authenticate_key, require_scope
from portal.gate.keys.models import ApiKey
from portal.library.weights.models import File, Revision
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

    If some of them are open, so is the list; a key is still checked.
    """
    key = find_caller(key_text, at=at)
    if not revision.files.filter(is_open=True).exists():
        require_weights(revision, key or require_caller(key_text, at=at), at=at)


def require_file(file: File, revision: Revision, key_text: str, *, at: datetime) -> ApiKey | None:
    """The key with which the caller may fetch the file; None if an open file needs none.

    Raises `DomainError`.
    """
    key = find_caller(key_text, at=at)
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


def describe_refusal(decision: Decision) -> DomainError:
    """The decision as an error, with the next step in full, since it is read in a terminal."""
    step = decision.next_step
    way_out = f" {step.label}: {settings.SITE_URL}{step.url}" if step else ""
    return DomainError(
        RefusalCode(decision.code),
        f"{decision.message}{way_out}",
        next_url=step.url if step else None,
    )
