"""What an applicant has typed so far: saved as it is, and never overwritten unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from portal.gate.access.application_fields import APPLICATION_FIELDS
from portal.gate.access.domain.process.applications import open_draft
from portal.gate.access.domain.workflow.commands import require_announced
from portal.gate.access.domain.workflow.lost_races import lost_application
from portal.gate.access.domain.workflow.separation import require_role
from portal.gate.access.enums import EDITABLE_STATES, OPEN_STATES, ApplicationState, Role
from portal.gate.access.models import Application
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.fingerprints import SavedMeanwhile, fingerprint
from portal.platform.core.refusals import RefusalCode

LONGEST_DRAFT_VALUE = 50_000
"""Characters of one field that a draft keeps; far above what submitting accepts."""

DraftValues = Mapping[str, str | Sequence[str]]


class DraftConflict(SavedMeanwhile):
    """Some fields of a draft were saved from elsewhere since they were read."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__("another tab or window has saved other text")
        self.fields = fields


def find_draft(user: User, *, case_number: str) -> Application:
    """The draft that a page was about, or, without a case number, the open one.

    Raises `DomainError`: `application_pending` as `open_draft` does, and `application_closed`
    for one that can no longer be edited; no new one is started in its place.
    """
    if not case_number:
        return open_draft(user)
    own = Application.objects.filter(applicant=user)
    # Compared here, as the number may be any text, and PostgreSQL does not accept every text.
    named = next((each for each in own if each.case_number == case_number), None)
    if named is None or named.state in OPEN_STATES:
        return open_draft(user)
    require_announced(named)
    state = ApplicationState(named.state).label.lower()
    raise DomainError(
        RefusalCode.APPLICATION_CLOSED,
        f"{named.case_number} is {state}, so nothing was saved or submitted.",
        next_url=reverse("access:status"),
    )


def begin_anew(user: User) -> tuple[Application, bool]:
    """The open draft, and whether it was started just now. Raises what `open_draft` does."""
    is_open = Application.objects.filter(applicant=user, state__in=OPEN_STATES).exists()
    return open_draft(user), not is_open


def save_draft(
    application: Application,
    *,
    by: User,
    values: DraftValues,
    seen: Mapping[str, str] | None = None,
) -> datetime:
    """Save what was typed, valid or not; return when it was saved.

    Only the fields named in `values` change. `seen` has the fingerprint of each field as it was
    read; if another text was saved since, nothing is saved. Raises `DomainError`
    (`not_your_application`), `DraftConflict`, and `LostRace` when it is no longer a draft.
    """
    require_role(by, Role.APPLICANT, owner_id=application.applicant_id, what="application")
    require_announced(application)
    with transaction.atomic():
        locked = Application.objects.select_for_update().get(pk=application.pk)
        if locked.state not in EDITABLE_STATES:
            raise lost_application(application, viewer=by)
        kept = _keep(values)
        if seen is not None:
            _require_seen(locked, kept, seen)
        locked.draft.update(kept)
        locked.save(update_fields=["draft", "saved_at"])
    application.draft, application.saved_at = locked.draft, locked.saved_at
    return locked.saved_at


def fingerprint_draft(draft: DraftValues) -> dict[str, str]:
    """The fingerprint of each field that is filled in."""
    return {name: fingerprint(draft[name]) for name in APPLICATION_FIELDS if draft.get(name)}


def differing_fields(saved: DraftValues, sent: DraftValues) -> tuple[str, ...]:
    """The fields of `sent` that differ from what is saved; a missing value counts as empty."""
    return tuple(name for name in sent if (saved.get(name) or "") != (sent[name] or ""))


def _require_seen(application: Application, values: DraftValues, seen: Mapping[str, str]) -> None:
    known = fingerprint_draft(application.draft)
    changed = tuple(
        name
        for name in differing_fields(application.draft, values)
        if known.get(name, "") != seen.get(name, "")
    )
    if changed:
        raise DraftConflict(changed)


def _keep(values: DraftValues) -> dict[str, str | list[str]]:
    return {
        name: _clean(value) if isinstance(value, str) else [_clean(item) for item in value]
        for name, value in values.items()
        if name in APPLICATION_FIELDS
    }


def _clean(text: str) -> str:
    # PostgreSQL keeps no NUL characters in JSON.
    return text.replace("\0", "")[:LONGEST_DRAFT_VALUE]
