"""Requests of people who are signed in."""

from __future__ import annotations

from django.http import HttpRequest

from portal.platform.accounts.models import User


class AuthenticatedHttpRequest(HttpRequest):
    """A request behind `login_required`: `user` is a real one."""

    user: User
