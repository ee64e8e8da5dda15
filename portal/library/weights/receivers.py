"""What the close-out of a grant says about downloads."""

from __future__ import annotations

from portal.gate.renewals.domain.holdings import register_holdings
from portal.library.weights.domain.holdings import find_fetched

register_holdings(find_fetched)
