"""Events of the access capability become events of webhooks, in the same transaction."""

from __future__ import annotations

from portal.gate.access.signals import grant_expired, grant_made, step_made
from portal.gate.webhooks.domain.events import write_expiry, write_grant, write_step

step_made.connect(write_step, dispatch_uid="webhooks.write_step")
grant_made.connect(write_grant, dispatch_uid="webhooks.write_grant")
grant_expired.connect(write_expiry, dispatch_uid="webhooks.write_expiry")
