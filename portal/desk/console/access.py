"""Which roles may open the console's pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.http import HttpResponse

from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import RoleRequired
from portal.platform.core.personal import personal

P = ParamSpec("P")
View = Callable[Concatenate[AuthenticatedHttpRequest, P], HttpResponse]
ROLES: Final = {"is_reviewer": "reviewers", "is_auditor": "auditors", "is_operator": "operators"}
"""The name of each role on the page that refuses everyone else."""


def _require(*roles: str) -> Callable[[View[P]], Callable[..., HttpResponse]]:
    """As `personal`, and refuse (403) users with none of the roles."""

    def decorate(view: View[P]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(
            request: AuthenticatedHttpRequest, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponse:
            if not any(getattr(request.user, role) for role in roles):
                raise RoleRequired(" and ".join(ROLES[role] for role in roles))
            return view(request, *args, **kwargs)

        return personal(guarded)

    return decorate


reviewer_required = _require("is_reviewer")
auditor_required = _require("is_auditor")
reviewer_or_auditor_required = _require("is_reviewer", "is_auditor")
operator_required = _require("is_operator")
any_role_required = _require("is_reviewer", "is_auditor", "is_operator")
