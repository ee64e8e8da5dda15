"""Pages that are about the person who reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib.auth.decorators import login_required
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def personal(view: View) -> View:
    """Redirect visitors to the sign-in page; what a signed-in person sees is not cached."""
    return never_cache(login_required(view))
