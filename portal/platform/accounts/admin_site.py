"""The Django admin behind the site's own sign-in, so that it requires second factors."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from portal.platform.core.errors import RoleRequired


class OperatorAdminSite(AdminSite):
    """The admin for operators: others get 403, and it has no password form of its own."""

    site_header = "Gatehouse"
    site_title = "Gatehouse admin"
    index_title = "Catalog, licences and people"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the request may enter; raises `RoleRequired` for accounts of others."""
        if request.user.is_authenticated and not super().has_permission(request):
            raise RoleRequired("operators")
        return super().has_permission(request)

    @method_decorator(never_cache)
    @method_decorator(secure_admin_login)
    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        return super().login(request, extra_context)

    def password_change(  # type: ignore[override]  # a redirect, where Django draws a form
        self,
        request: HttpRequest,  # noqa: ARG002 -- Django's signature
        extra_context: dict[str, object] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """Redirect to the site's own page for changing a password."""
        return redirect("account_change_password")
