"""Signing in, and who is signed in."""

from __future__ import annotations

from typing import Final

from allauth.account.auth_backends import AuthenticationBackend

from portal.platform.accounts.models import User
from portal.platform.core.compiled import CompiledModels

_USER: Final = CompiledModels(lambda user: User.objects.filter(pk=user), user=int)


class SiteBackend(AuthenticationBackend):  # type: ignore[misc]  # no stubs
    """allauth's backend, with the query that every request makes compiled once."""

    def get_user(self, user_id: int) -> User | None:
        found = _USER.find(user=int(user_id))
        return found[0] if found and self.user_can_authenticate(found[0]) else None
