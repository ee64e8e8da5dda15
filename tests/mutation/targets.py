"""The modules that are mutated, and the tests that have to notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TARGETS: Final[Mapping[str, tuple[str, ...]]] = {
    "portal.gate.access.domain.workflow.separation": ("tests/gate/access/test_separation.py",),
    "portal.gate.teams.domain.insiders": ("tests/gate/teams/test_insiders.py",),
    "portal.gate.access.domain.decide": (
        "tests/gate/access/test_decide.py",
        "tests/gate/access/test_decide_agrees.py",
        "tests/gate/teams/test_following.py",
    ),
    "portal.gate.licensing.domain.signing": ("tests/gate/licensing/test_signing.py",),
    "portal.lab.quota.domain.ledger": ("tests/lab/quota",),
    "portal.lab.jobs.domain.fairness": (
        "tests/lab/jobs/test_fairness.py",
        "tests/lab/jobs/test_foretelling.py",
    ),
    "portal.lab.jobs.domain.scheduling": ("tests/lab/jobs/test_choosing.py",),
    "portal.lab.scoring.domain.scores": ("tests/lab/scoring",),
    "portal.lab.scoring.domain.distributions": ("tests/lab/scoring",),
}
"""Each with the fewest tests that hold it: every mutant that survives runs them all."""
