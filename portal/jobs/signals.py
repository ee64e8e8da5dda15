"""What jobs tell the capabilities above them."""

from __future__ import annotations

from django.dispatch import Signal

job_ended = Signal()
"""A run has its end. Sent after the commit with the keyword argument `job`, whose large fields
are not read. A receiver that fails is logged and stops nobody."""
