"""Signals of jobs for the capabilities above them."""

from __future__ import annotations

from django.dispatch import Signal

jobs_ended = Signal()
"""One or more runs have ended. Sent after the commit with the keyword argument `jobs`, whose large
fields are not loaded. A failing receiver is logged and does not stop the others."""

jobs_erased = Signal()
"""The texts of runs are being erased. Sent in that transaction with the keyword argument `runs`,
their ids, so that whatever else quotes them is erased with them."""
