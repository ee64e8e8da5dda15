"""Limits on how often a public page answers one client, by django-allauth's counter."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from allauth.decorators import rate_limit
from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def limit_rate(action: str) -> Callable[[View[P]], View[P]]:
    """Answer 429 beyond the rate that ACCOUNT_RATE_LIMITS gives `action`; reading counts too."""

    def decorate(view: View[P]) -> View[P]:
        limited = rate_limit(action=action, limit_get=True)(view)
        return cast("View[P]", wraps(view)(limited))

    return decorate
