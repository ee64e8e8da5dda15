"""What the access capability tells the capabilities above it."""

from __future__ import annotations

from django.dispatch import Signal

access_ended = Signal()
"""A grant does not hold any more: suspended, revoked, run out, given back. Sent after the
commit, with the keyword arguments `user_id`, `model_id` and `grant_id`. A receiver that fails
is logged and stops nobody."""

application_submitting = Signal()
"""An application is about to be submitted, with the keyword arguments `application` and
`models`. Sent in the command's transaction before anything moves: a receiver locks what it will
change, or refuses with a `DomainError`."""

application_submitted = Signal()
"""It was, in the same transaction, with the keyword argument `application`; by then the audit
log is locked, so a receiver locks no rows that it has not locked before."""

step_made = Signal()
"""A command was carried out on an application or a grant. Sent in its transaction, before the
audit event, with the keyword argument `step`; what a receiver raises undoes the command."""

grant_made = Signal()
"""A grant was made. Sent as `step_made` is, with the keyword argument `grant`."""

grant_expired = Signal()
"""A grant's end has come and is about to be recorded, once. Sent as `step_made` is, with the
keyword argument `grant`."""
