"""People in the Django admin: their roles, and the removal of lost second factors."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from portal.platform.accounts.domain.roles import (
    ROLE_FIELDS,
    remove_factor,
    require_roles_seen,
    roles_of,
    save_roles,
)
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.forms import FingerprintMixin
from portal.platform.core.site_admin import SiteAdmin

# Their rows hold session keys, tokens and secrets, or concern only their owners.
for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    admin.site.unregister(model)
# Roles are fields of a person; groups would be a second way to assign them.
admin.site.unregister(Group)


class PersonForm(FingerprintMixin, ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """What an operator may change about a person."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, saved=roles_of(kwargs.get("instance")), **kwargs)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            require_roles_seen(self.instance, data.get("seen"))
        except DomainError as error:
            self.add_error(error.field, error.message)
        return data


@admin.register(User)
class UserAdmin(SiteAdmin):
    """Owners create their accounts; operators assign roles and close accounts."""

    form = PersonForm
    list_display = ["email", "name", "is_active", "is_reviewer", "is_staff", "last_login"]
    list_filter = ["is_active", "is_reviewer", "is_staff"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    fields = ["email", "name", *ROLE_FIELDS, "date_joined", "last_login"]
    readonly_fields = ["email", "date_joined", "last_login"]

    may_add = False
    """The owner of an address has to confirm it."""
    may_delete = False
    """Signatures and decisions name people permanently; close an account instead."""

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Operators cannot lock themselves out by removing their own role or account."""
        own = ["is_active", "is_staff"] if obj == request.user else []
        return [*self.readonly_fields, *own]

    def save_model(
        self,
        request: HttpRequest,
        obj: User,
        form: ModelForm,  # type: ignore[type-arg]  # noqa: ARG002 -- Django's signature
        change: bool,  # noqa: ARG002, FBT001
    ) -> None:
        save_roles(obj, actor=cast("User", request.user))


@admin.register(Authenticator)
class SecondFactorAdmin(SiteAdmin):
    """People's second factors, without their secrets. A lost one can be removed."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    search_fields = ["user__email"]
    list_select_related = ["user"]
    fields = ["user", "type", "created_at", "last_used_at"]

    may_add = may_change = False

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        remove_factor(obj, actor=cast("User", request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        for factor in queryset:
            remove_factor(factor, actor=cast("User", request.user))
