"""One request and its response for every operation of the decision API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from portal.lab.api.document.example import MODEL, Example, page_of

CASE: Final = "GH-2026-0042"
REVISION: Final = 3
GRANT: Final = 17
APPLICATION: Final[Mapping[str, Any]] = {
    "id": CASE,
    "object": "application",
    "state": "in_review",
    "status": "pending",
    "revision": REVISION,
    "submitted_at": "2026-11-24T09:30:00+00:00",
    "decided_at": None,
    "told_at": None,
    "is_held": False,
    "is_endorsed": False,
    "claimed_by": "Rita Reviewer",
    "applicant": {
        "name": "Ingrid Solheim",
        "email": "ingrid@north.example",
        "orcid": "0000-0002-1825-0097",
        "is_orcid_verified": True,
    },
    "affiliation": "University of the North",
    "position": "Postdoctoral researcher",
    "sector": "university",
    "country": "NO",
    "homepage": "https://north.example/people/solheim",
    "intended_use": "How do small language models handle negation?",
    "models": [MODEL],
    "capabilities": ["api", "playground"],
    "data_handling": "Outputs stay on an encrypted disk.",
    "others_with_access": "Nobody.",
}
GRANT_OBJECT: Final[Mapping[str, Any]] = {
    "id": GRANT,
    "object": "grant",
    "application": CASE,
    "model": MODEL,
    "state": "active",
    "revision": 0,
    "capabilities": ["api", "playground"],
    "starts_at": "2026-11-25T12:10:00+00:00",
    "ends_at": "2027-11-25T12:00:00+00:00",
    "reason": "",
}
DECIDED_AT: Final = "2026-11-25T12:00:00+00:00"
TOLD_AT: Final = "2026-11-25T12:10:00+00:00"


def _decide(command: str, state: str, status: str, body: Mapping[str, Any]) -> Example:
    application = {
        **APPLICATION,
        "state": state,
        "status": status,
        "revision": REVISION + 1,
        "claimed_by": None,
        "decided_at": DECIDED_AT if status in {"accepted", "refused"} else None,
        "told_at": None if status == "pending" else TOLD_AT,
        "is_held": status != "pending",
    }
    return Example(
        {**_step(command), "application": application},
        {"revision": REVISION, **body},
        {"case_number": CASE},
    )


def _change(command: str, state: str, reason: str) -> Example:
    grant = {**GRANT_OBJECT, "state": state, "revision": 1, "reason": reason}
    return Example(
        {**_step(command), "grant": grant},
        {"revision": 0, "reason": reason},
        {"grant_id": GRANT},
    )


def _step(command: str) -> dict[str, Any]:
    return {"object": "decision", "command": command, "at": DECIDED_AT, "is_repeat": False}


DECISION_EXAMPLES: Final[Mapping[str, Example]] = {
    "list_applications": Example(
        page_of(APPLICATION), parameters={"status": "pending", "limit": 20}
    ),
    "get_application": Example(APPLICATION, parameters={"case_number": CASE}),
    "approve_application": _decide(
        "approve", "approved", "accepted", {"models": [MODEL], "note": "A sound plan."}
    ),
    "refuse_application": _decide(
        "reject",
        "rejected",
        "refused",
        {"reason": "The purpose is commercial.", "reason_code": "not_research"},
    ),
    "return_application": _decide(
        "return",
        "returned",
        "returned",
        {"field_notes": {"data_handling": "Who can read the disk?"}, "reason_code": "incomplete"},
    ),
    "take_back_decision": _decide("take_back", "in_review", "pending", {}),
    "list_grants": Example(page_of(GRANT_OBJECT), parameters={"state": "active", "limit": 20}),
    "suspend_grant": _change("suspend", "suspended", "A question about a publication."),
    "resume_grant": _change("resume", "active", "The question is answered."),
    "revoke_grant": _change("revoke", "revoked", "The licence was broken."),
}
