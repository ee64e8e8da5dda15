"""Events of the access capability become events of webhooks, in the same transaction."""

from __future__ import annotations

from django.dispatch import receiver

from portal.gate.access.models import Grant, Step
from portal.gate.access.signals import grant_expired, grant_made, step_made
from portal.gate.webhooks.domain.events import write_expiry, write_grant, write_step


@receiver(step_made, dispatch_uid="webhooks.write_step")
def on_step_made(*, step: Step, **_: object) -> None:
    write_step(step)


@receiver(grant_made, dispatch_uid="webhooks.write_grant")
def on_grant_made(*, grant: Grant, **_: object) -> None:
    write_grant(grant)


@receiver(grant_expired, dispatch_uid="webhooks.write_expiry")
def on_grant_expired(*, grant: Grant, **_: object) -> None:
    write_expiry(grant)
