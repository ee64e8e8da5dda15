"""Signals from the access capability to the capabilities above it."""

from __future__ import annotations

from django.dispatch import Signal

access_ended = Signal()
"""A grant is no longer in force: suspended, revoked, expired or given back. Sent after the
commit, with the keyword arguments `user_id`, `model_id` and `grant_id`. A receiver that fails
is logged and does not stop the others."""

application_submitting = Signal()
"""An application is about to be submitted. Sent with the keyword arguments `application` and
`models`, in the command's transaction before anything moves: a receiver locks what it will
change, or refuses with a `DomainError`."""

application_submitted = Signal()
"""An application was submitted. Sent in the same transaction, with the keyword argument
`application`. The audit log is locked now, so a receiver must lock no further rows."""

step_made = Signal()
"""A command was carried out on an application or a grant. Sent in its transaction, before the
audit event, with the keyword argument `step`; an exception in a receiver undoes the command."""

grant_made = Signal()
"""A grant was made. Sent as `step_made` is, with the keyword argument `grant`."""

grant_expired = Signal()
"""A grant has reached its end, which is about to be recorded, once. Sent as `step_made` is, with
the keyword argument `grant`."""
