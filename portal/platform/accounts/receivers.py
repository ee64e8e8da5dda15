"""What is stored when somebody has proved that an account is theirs."""

from __future__ import annotations

from allauth.account.signals import password_reset
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from portal.platform.accounts.enums import TryKind
from portal.platform.accounts.models import User
from portal.platform.accounts.tries import Place, forget_tries


@receiver(user_logged_in, dispatch_uid="accounts.remember_place")
def remember_place(*, request: HttpRequest, user: User, **_: object) -> None:
    Place(request, user.email).remember()


@receiver(password_reset, dispatch_uid="accounts.open_place")
def open_place(*, request: HttpRequest, user: User, **_: object) -> None:
    """A password reset by mail lets people in again whose tries were used up."""
    place = Place(request, user.email)
    place.remember()
    for kind in TryKind:
        forget_tries(kind, place)
