"""Three facts, kept apart: an application is a process, a grant is a right with an end.

(The third, the signature, lives in `portal.gate.licensing`.)
"""

from __future__ import annotations

from portal.gate.access.models.applications import (
    DECIDED_STATES,
    Application,
    Step,
    SubmittedVersion,
)
from portal.gate.access.models.claims import Claimable
from portal.gate.access.models.decisions import Endorsement, Override, Ruling
from portal.gate.access.models.desk import Absence, AccountMerge, Denial
from portal.gate.access.models.grants import Grant, GrantQuerySet
from portal.gate.access.models.remarks import Remark

__all__ = [
    "DECIDED_STATES",
    "Absence",
    "AccountMerge",
    "Application",
    "Claimable",
    "Denial",
    "Endorsement",
    "Grant",
    "GrantQuerySet",
    "Override",
    "Remark",
    "Ruling",
    "Step",
    "SubmittedVersion",
]
