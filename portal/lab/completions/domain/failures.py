"""A run that failed or was stopped, as a refusal with the way out."""

from __future__ import annotations

from collections.abc import Iterable

from inference_workers.contract import Cancelled, CancelReason, Done, Failed
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.wording import describe_failure
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

STOPPED = {
    CancelReason.USER: "The run was stopped.",
    CancelReason.ACCESS_ENDED: "The run was stopped, because your access to the model has ended.",
    CancelReason.DELETED: "The run was deleted.",
}


def require_done(completions: Iterable[Completion]) -> None:
    """Raise `DomainError` for the first completion that did not succeed.

    The error's code is the failure's, `cancelled` or `access_ended`.
    """
    for completion in completions:
        if (error := find_failure(completion)) is not None:
            raise error


def find_failure(completion: Completion) -> DomainError | None:
    """The error; None for a completion that succeeded."""
    match completion.end:
        case Done():
            return None
        case Failed(code=code):
            return DomainError(RefusalCode(code), describe_failure(code))
        case Cancelled(reason=CancelReason.ACCESS_ENDED as reason):
            return DomainError(RefusalCode.ACCESS_ENDED, STOPPED[reason])
        case Cancelled(reason=reason):
            return DomainError(RefusalCode.CANCELLED, STOPPED[reason])
        case None:
            return DomainError(RefusalCode.WORKER_LOST, "The run has no end.")
