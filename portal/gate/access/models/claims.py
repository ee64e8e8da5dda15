"""What a reviewer can claim for a time."""

from __future__ import annotations

from datetime import datetime

from portal.platform.accounts.models import User


class Claimable:
    """A row with `claimed_by` and `claim_ends_at`."""

    claimed_by: User | None
    claim_ends_at: datetime | None

    def claimant_at(self, at: datetime) -> User | None:
        """The reviewer who has claimed it, if the claim has not ended."""
        if self.claimed_by is None or self.claim_ends_at is None or at >= self.claim_ends_at:
            return None
        return self.claimed_by
