"""What a reviewer's program may do: the commands of the console, by the same functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from portal.gate.access.application_fields import APPLICATION_FIELDS
from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant, suspend_grant
from portal.gate.access.domain.workflow.lost_races import lost_grant
from portal.gate.access.enums import Capability, Command, ReasonCode
from portal.gate.access.models import Application, Step
from portal.gate.catalog.models import HostedModel
from portal.gate.decision_api.domain.idempotency import Decided, IdempotentRequest, decide_once
from portal.gate.decision_api.domain.reading import (
    describe_application,
    describe_grant,
    find_application,
    find_grant,
)
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError, rename_field
from portal.platform.core.refusals import RefusalCode

GRANT_FUNCTIONS: Final[Mapping[Command, Callable[..., Step]]] = {
    Command.SUSPEND: suspend_grant,
    Command.RESUME: resume_grant,
    Command.REVOKE: revoke_grant,
}
CONSOLE_NAMES: Final = {"ends_on": "ends_at"}
"""Fields of the console's form that a refusal may name, as a program calls them."""


def approve(
    asked: IdempotentRequest,
    case_number: str,
    *,
    revision: int,
    models: Sequence[str] | None = None,
    capabilities: Sequence[Capability] | None = None,
    ends_at: datetime | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Approve the application, or part of it, until `ends_at` (default: GRANT_DEFAULT_DAYS).

    Raises as `approve_application` does.
    """
    if ends_at is not None and timezone.is_naive(ends_at):
        raise DomainError(RefusalCode.INVALID_VALUE, "ends_at needs a time zone.", field="ends_at")

    def approve_wanted(application: Application, *, by: User) -> Step:
        return approve_application(
            application,
            by=by,
            ends_at=ends_at or timezone.now() + timedelta(days=settings.GRANT_DEFAULT_DAYS),
            models=_find_models(application, models),
            capabilities=_find_uses(application, capabilities),
            note=note,
            seen=revision,
        )

    try:
        return _decide(asked, case_number, approve_wanted)
    except DomainError as error:
        raise rename_field(error, CONSOLE_NAMES) from None


def refuse(
    asked: IdempotentRequest,
    case_number: str,
    *,
    revision: int,
    reason: str,
    reason_code: ReasonCode,
) -> dict[str, Any]:
    """Refuse; raises as `reject_application` does."""
    command = partial(reject_application, reason=reason, reason_code=reason_code, seen=revision)
    return _decide(asked, case_number, command)


def send_back(
    asked: IdempotentRequest,
    case_number: str,
    *,
    revision: int,
    note: str = "",
    field_notes: Mapping[str, str] | None = None,
    reason_code: ReasonCode | None = None,
) -> dict[str, Any]:
    """Return for changes; raises as `return_application` does, and for an unknown field."""
    unknown = sorted(set(field_notes or {}) - set(APPLICATION_FIELDS))
    if unknown:
        raise DomainError(
            RefusalCode.INVALID_VALUE,
            f"There is no field {unknown[0]}. The fields are: {', '.join(APPLICATION_FIELDS)}.",
            field="field_notes",
        )
    command = partial(
        return_application,
        note=note,
        field_notes=field_notes,
        reason_code=reason_code,
        seen=revision,
    )
    return _decide(asked, case_number, command)


def take_back(
    asked: IdempotentRequest, case_number: str, *, revision: int, note: str = ""
) -> dict[str, Any]:
    """Undo a decision within its hold; raises as `take_back_decision` does."""
    return _decide(asked, case_number, partial(take_back_decision, note=note, seen=revision))


def change_grant(
    asked: IdempotentRequest, grant_id: int, command: Command, *, revision: int, reason: str
) -> dict[str, Any]:
    """Suspend, resume or revoke; raises as the console's commands do."""

    def decide() -> Step:
        grant = find_grant(asked.by, grant_id)
        if grant.revision != revision:
            raise lost_grant(grant, viewer=asked.by)
        return GRANT_FUNCTIONS[command](grant, by=asked.by, reason=reason)

    decided = decide_once(asked, decide)
    grant = find_grant(asked.by, grant_id)
    return {**_describe_step(decided), "grant": describe_grant(grant)}


def _decide(
    asked: IdempotentRequest, case_number: str, command: Callable[..., Step]
) -> dict[str, Any]:
    def decide() -> Step:
        return command(find_application(asked.by, case_number), by=asked.by)

    decided = decide_once(asked, decide)
    case_number = decided.step.application.case_number
    application = describe_application(find_application(asked.by, case_number))
    return {**_describe_step(decided), "application": application}


def _describe_step(decided: Decided) -> dict[str, Any]:
    return {
        "object": "decision",
        "command": decided.step.command,
        "at": decided.step.at.isoformat(),
        "is_repeat": decided.is_repeat,
    }


def _find_uses(
    application: Application, wanted: Sequence[Capability] | None
) -> Sequence[Capability]:
    if wanted is None:
        return [Capability(use) for use in application.capabilities]
    return wanted


def _find_models(application: Application, slugs: Sequence[str] | None) -> list[HostedModel]:
    if slugs is None:
        return list(application.models_wanted.select_related("release__licence"))
    found = {model.slug: model for model in HostedModel.objects.filter(slug__in=slugs)}
    missing = [slug for slug in slugs if slug not in found]
    if missing:
        raise DomainError(
            RefusalCode.INVALID_VALUE, f"There is no model {missing[0]}.", field="models"
        )
    return list(found.values())
