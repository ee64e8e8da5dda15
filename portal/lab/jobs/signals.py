"""What jobs tell the capabilities above them."""

from __future__ import annotations

from django.dispatch import Signal

jobs_ended = Signal()
"""Runs have their end, one or many. Sent after the commit with the keyword argument `jobs`, whose
large fields are not read. A receiver that fails is logged and stops nobody."""
