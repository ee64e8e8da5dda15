"""What the decision API takes and answers, for the document that describes it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import BeforeValidator, Field

from portal.gate.access.enums import Capability, ReasonCode
from portal.lab.api.schemas import Open
from portal.platform.core.wire import WireModel

Status = Literal["pending", "returned", "accepted", "refused", "withdrawn"]
LARGEST_ID = 2**63 - 1


def _require_text(value: object) -> object:
    """Pydantic would take a number for seconds since 1970."""
    if isinstance(value, str):
        return value
    raise ValueError("has to be a time with its zone, such as 2027-01-31T12:00:00Z")


Moment = Annotated[datetime, Field(strict=False), BeforeValidator(_require_text)]
NamedCapability = Annotated[Capability, Field(strict=False)]
NamedReason = Annotated[ReasonCode, Field(strict=False)]
"""JSON has no enumerations: its texts are taken for them, and nothing else is."""


class RevisionBody(WireModel):
    """Names what was read, so that nobody decides on what has changed since."""

    revision: int = Field(
        ge=0, le=2**31 - 1, description="As read; if it has moved on, nothing happens (409)."
    )


class ApproveBody(RevisionBody):
    """What is given."""

    models: list[str] | None = Field(
        default=None, description="Slugs; empty for all that were asked for."
    )
    capabilities: list[NamedCapability] | None = Field(
        default=None, description="Empty for all that were asked for."
    )
    ends_at: Moment | None = Field(
        default=None, description="With a time zone; empty for the site's usual time."
    )
    note: str = Field(default="", max_length=5000, description="The applicant reads it.")


class RefuseBody(RevisionBody):
    """Why not."""

    reason: str = Field(max_length=5000, description="The applicant reads it, word for word.")
    reason_code: NamedReason = Field(default=ReasonCode.OTHER, description="For the metrics.")


class ReturnBody(RevisionBody):
    """What should be changed; a note, or one on a field, has to be there."""

    note: str = Field(default="", max_length=5000, description="On the whole.")
    field_notes: dict[str, str] = Field(default={}, description="By the form's field.")
    reason_code: NamedReason | None = Field(default=None, description="For the metrics.")


class TakeBackBody(RevisionBody):
    """Undo."""

    note: str = Field(default="", max_length=5000, description="For the record.")


class GrantBody(RevisionBody):
    """Why a grant is changed."""

    reason: str = Field(max_length=5000, description="The researcher reads it, word for word.")


class ApplicantObject(Open):
    """Who asks, as frozen at the submission."""

    name: str
    email: str
    orcid: str | None
    is_orcid_verified: bool


class ApplicationObject(Open):
    """An application with all that a reviewer reads."""

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


class ApplicationList(Open):
    """One page of applications."""

    object: Literal["list"]
    data: list[ApplicationObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class GrantObject(Open):
    """A right to use one model until a moment."""

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


class GrantList(Open):
    """One page of grants."""

    object: Literal["list"]
    data: list[GrantObject]
    first_id: int | None
    last_id: int | None
    has_more: bool


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
