"""Requests and responses of the decision API, for the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import BeforeValidator, Field

from portal.gate.access.enums import Capability, ReasonCode
from portal.lab.api.schemas import Open, Page
from portal.platform.core.wire import WireModel

Status = Literal["pending", "returned", "accepted", "refused", "withdrawn"]
LARGEST_ID = 2**63 - 1


def _require_text(value: object) -> object:
    """Pydantic would read a number as seconds since 1970."""
    if isinstance(value, str):
        return value
    raise ValueError("must be a time with a time zone, such as 2027-01-31T12:00:00Z")


Moment = Annotated[datetime, Field(strict=False), BeforeValidator(_require_text)]
NamedCapability = Annotated[Capability, Field(strict=False)]
NamedReason = Annotated[ReasonCode, Field(strict=False)]
"""JSON has no enumerations: they are read from strings, and from nothing else."""


class RevisionBody(WireModel):
    """Names the revision that was read, so that a decision never rests on an older one."""

    revision: int = Field(
        ge=0, le=2**31 - 1, description="As read; if it has changed since, nothing happens (409)."
    )


class ApproveBody(RevisionBody):
    """What the approval grants."""

    models: list[str] | None = Field(
        default=None, description="Slugs; if left out, all that were requested."
    )
    capabilities: list[NamedCapability] | None = Field(
        default=None, description="If left out, all that were requested."
    )
    ends_at: Moment | None = Field(
        default=None, description="With a time zone; empty for the site's default period."
    )
    note: str = Field(default="", max_length=5000, description="The applicant reads it.")


class RefuseBody(RevisionBody):
    """The reason for a refusal."""

    reason: str = Field(max_length=5000, description="The applicant reads it, word for word.")
    reason_code: NamedReason = Field(default=ReasonCode.OTHER, description="For the metrics.")


class ReturnBody(RevisionBody):
    """What should be changed. At least one note is required, on the whole or on a field."""

    note: str = Field(default="", max_length=5000, description="On the whole application.")
    field_notes: dict[str, str] = Field(default={}, description="By field of the form.")
    reason_code: NamedReason | None = Field(default=None, description="For the metrics.")


class TakeBackBody(RevisionBody):
    """Takes a decision back."""

    note: str = Field(default="", max_length=5000, description="For the record.")


class GrantBody(RevisionBody):
    """The reason for a change of a grant."""

    reason: str = Field(max_length=5000, description="The researcher reads it, word for word.")


class ApplicantObject(Open):
    """The applicant, as recorded at submission."""

    name: str
    email: str
    orcid: str | None
    is_orcid_verified: bool


class ApplicationObject(Open):
    """An application with everything that a reviewer reads."""

    id: str
    object: Literal["application"]
    state: str
    status: Status
    revision: int
    submitted_at: datetime
    decided_at: datetime | None
    told_at: datetime | None
    is_held: bool
    is_endorsed: bool
    claimed_by: str | None
    applicant: ApplicantObject
    affiliation: str
    position: str
    sector: str | None
    country: str
    homepage: str
    intended_use: str
    models: list[str]
    capabilities: list[str]
    data_handling: str
    others_with_access: str


class ApplicationList(Page[ApplicationObject, str]):
    """One page of applications."""


class GrantObject(Open):
    """A right to use one model until a set time."""

    id: int
    object: Literal["grant"]
    application: str
    model: str
    state: str
    revision: int
    capabilities: list[str]
    starts_at: datetime
    ends_at: datetime
    reason: str


class GrantList(Page[GrantObject, int]):
    """One page of grants."""


class Decision(Schema):
    """What was done: `endorse` where a second reviewer has to agree."""

    object: Literal["decision"]
    command: str
    at: datetime
    is_repeat: bool


class ApplicationDecision(Decision):
    """A decision, and the application after it."""

    application: ApplicationObject


class GrantDecision(Decision):
    """A command on a grant, and the grant after it."""

    grant: GrantObject
