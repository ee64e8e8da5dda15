"""The modules that are mutated, and the tests that have to notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Target:
    """Few tests, and quick ones: every mutant that survives runs them all."""

    tests: tuple[str, ...]
    parts: tuple[str, ...] = ()
    """Names of functions and classes, where not the whole module is meant."""

    def means(self, where: str) -> bool:
        return not self.parts or where.partition(".")[0] in self.parts


TARGETS: Final[Mapping[str, Target]] = {
    "portal.gate.access.domain.workflow.separation": Target(
        ("tests/gate/access/test_separation.py",)
    ),
    "portal.gate.teams.domain.insiders": Target(("tests/gate/teams/test_insiders.py",)),
    "portal.gate.access.domain.decide": Target(
        ("tests/gate/access/test_decide.py", "tests/gate/access/test_following_grants.py")
    ),
    "portal.gate.licensing.domain.signing": Target(("tests/gate/licensing/test_signing.py",)),
    "portal.lab.quota.domain.ledger": Target(("tests/lab/quota",)),
    "portal.lab.jobs.domain.fairness": Target(
        ("tests/lab/jobs/test_fairness.py", "tests/lab/jobs/test_foretelling.py")
    ),
    "portal.lab.jobs.domain.scheduling": Target(
        (
            "tests/lab/jobs/test_choosing.py",
            "tests/lab/jobs/test_scheduling.py::test_what_is_stopped_meanwhile_is_not_sent",
        )
    ),
    # Their arithmetic; what they refuse is the API's.
    "portal.lab.scoring.domain.scores": Target(
        ("tests/lab/scores/test_sums.py",),
        parts=("ScorePlan", "write_scores", "_write_item", "_score", "_entries"),
    ),
    "portal.lab.scoring.domain.distributions": Target(
        ("tests/lab/distributions/test_arithmetic.py",),
        parts=("Distributions", "write_summary", "write_arrays", "_describe", "_likeliest"),
    ),
}
