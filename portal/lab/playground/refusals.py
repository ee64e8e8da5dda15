"""A domain error as a response: code, message, next step and HTTP status."""

from __future__ import annotations

from dataclasses import dataclass

from portal.lab.jobs.domain.admission import AccessRefused
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import INVALID


@dataclass(frozen=True)
class Refusal:
    """`status` is None if the refusal does not define one."""

    code: str
    message: str
    label: str = ""
    url: str = ""
    status: int | None = None

    def as_json(self) -> dict[str, object]:
        step = {"label": self.label, "url": self.url} if self.url else None
        return {"code": self.code, "message": self.message, "next_step": step}


def describe_refusal(error: DomainError | None) -> Refusal:
    """The refusal of a run; None means that errors are shown beside the fields."""
    if error is None:
        return Refusal("invalid_value", "Some fields have errors. They are marked.")
    shape = error.code.shape
    status = None if shape is INVALID else shape.status
    if isinstance(error, AccessRefused) and (step := error.decision.next_step):
        return Refusal(error.code, error.message, step.label, step.url, status)
    return Refusal(error.code, error.message, status=status)
