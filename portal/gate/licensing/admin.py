"""Licences in the Django admin: to read, and to publish a new version."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.gate.licensing.domain.versions import (
    newest_numbers,
    publish_version,
    require_newest_seen,
    require_publishable,
)
from portal.gate.licensing.models import Licence, LicenceVersion, Signature
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.forms import FingerprintMixin
from portal.platform.core.site_admin import ReadOnlyAdmin
from portal.platform.core.unsent import turn_away

WRITTEN = ("licence", "text", "changes", "effective_at", "is_material", "grace_days")
PUBLISHED = ("licence", "number", "sha256", "published_at", *WRITTEN[1:])


class PublishForm(FingerprintMixin, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A new text and how it follows the one before."""

    text = forms.CharField(
        strip=False,
        widget=forms.Textarea(attrs={"rows": 30, "cols": 100, "spellcheck": "true"}),
        help_text="Markdown. Once it is published, it cannot be changed or removed.",
    )

    class Meta:
        model = LicenceVersion
        fields = WRITTEN

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, saved=newest_numbers(), **kwargs)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "text" in data and "licence" in data:
            # Browsers send CRLF for every line end that was typed.
            data["text"] = data["text"].replace("\r\n", "\n")
            try:
                require_publishable(data["licence"], text=data["text"])
                require_newest_seen(data["licence"], data.get("seen"))
            except DomainError as error:
                self.add_error(error.field, error.message)
        return data


@admin.register(Licence)
class LicenceAdmin(ReadOnlyAdmin):
    """Licences come from the release folder."""

    list_display = ["name", "slug", "licensor"]


@admin.register(LicenceVersion)
class LicenceVersionAdmin(ReadOnlyAdmin):
    """Versions are read here, and a new one is published by adding it."""

    form = PublishForm
    list_display = ["licence", "number", "effective_at", "is_material", "grace_days", "sha256"]
    list_filter = ["licence"]
    list_select_related = ["licence"]
    ordering = ["licence", "-number"]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return True

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:  # noqa: ARG002
        return {"effective_at": timezone.now(), "is_material": True}

    def get_fields(
        self,
        request: HttpRequest,  # noqa: ARG002 -- Django's signature
        obj: LicenceVersion | None = None,
    ) -> tuple[str, ...]:
        return WRITTEN if obj is None else PUBLISHED

    def save_model(
        self,
        request: HttpRequest,
        obj: LicenceVersion,
        form: forms.ModelForm,  # type: ignore[type-arg]  # not subscriptable at run time
        change: bool,  # noqa: ARG002, FBT001 -- Django's signature
    ) -> None:
        """Publish through `publish_version`; `obj` becomes the published row."""
        data = form.cleaned_data
        version = publish_version(
            data["licence"],
            text=data["text"],
            effective_at=data["effective_at"],
            is_material=data["is_material"],
            grace_days=data["grace_days"],
            changes=data["changes"],
            actor=cast("User", request.user),
        )
        obj.pk, obj.number = version.pk, version.number

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Report a text that was published meanwhile, for example by a second click."""
        try:
            return super().add_view(request, *args, **kwargs)
        except DomainError as error:
            return turn_away(request, error, to="admin:licensing_licenceversion_changelist")


@admin.register(Signature)
class SignatureAdmin(ReadOnlyAdmin):
    """Signatures, read-only: the database refuses changes."""

    list_display = ["legal_name", "email", "version", "capacity", "entity_name", "signed_at"]
    list_filter = ["version__licence", "capacity"]
    search_fields = ["legal_name", "email", "entity_name", "sha256", "code"]
    list_select_related = ["version__licence"]
    date_hierarchy = "signed_at"
