"""Keys end when their owner's account is closed."""

from __future__ import annotations

from django.db.models.signals import post_save
from django.dispatch import receiver

from portal.gate.keys.domain.lifecycle import revoke_keys_of_closed_account
from portal.platform.accounts.models import User


@receiver(post_save, sender=User, dispatch_uid="keys.revoke_keys_of_closed_account")
def end_keys(*, instance: User, created: bool, raw: bool = False, **_: object) -> None:
    if not (created or raw or instance.is_active):
        revoke_keys_of_closed_account(instance)
