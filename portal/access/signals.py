"""What the access capability tells the capabilities above it."""

from __future__ import annotations

from django.dispatch import Signal

access_ended = Signal()
"""A grant does not hold any more: suspended, revoked, run out, given back. Sent after the
commit, with the keyword arguments `user_id`, `model_id` and `grant_id`. A receiver that fails
is logged and stops nobody."""

step_made = Signal()
"""A command was carried out on an application or a grant. Sent in its transaction, before the
audit event, with the keyword argument `step`; what a receiver raises undoes the command."""

grant_made = Signal()
"""A grant was made. Sent as `step_made` is, with the keyword argument `grant`."""
