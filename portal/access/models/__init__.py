"""Three facts, kept apart: an application is a process, a grant is a right with an end.

(The third, the signature, lives in `portal.licensing`.)
"""

from __future__ import annotations

from portal.access.models.applications import DECIDED_STATES, Application, Step, SubmittedVersion
from portal.access.models.claims import Claimable
from portal.access.models.decisions import Endorsement, Override, Ruling
from portal.access.models.desk import Absence, AccountMerge, Denial
from portal.access.models.grants import Grant
from portal.access.models.remarks import Remark

__all__ = [
    "DECIDED_STATES",
    "Absence",
    "AccountMerge",
    "Application",
    "Claimable",
    "Denial",
    "Endorsement",
    "Grant",
    "Override",
    "Remark",
    "Ruling",
    "Step",
    "SubmittedVersion",
]
