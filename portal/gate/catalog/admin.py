"""The catalog in the Django admin. Texts and facts come from the release folder."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from portal.gate.catalog.domain.serving import (
    change_serving,
    require_deployment,
    require_serving_seen,
    serving_of,
)
from portal.gate.catalog.enums import ModelStatus, Tier
from portal.gate.catalog.models import HostedModel, Release
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.forms import FingerprintMixin
from portal.platform.core.site_admin import ReadOnlyAdmin

SERVING = ("status", "deployment", "tier")
FACTS = (
    *("release", "slug", "name", "parameters", "layers", "heads", "hidden_size"),
    *("context_length", "requirements", "weights_licence", "source_url"),
    *("training_co2e_tonnes", "summary", "attribution", "notice"),
)


class ServingForm(FingerprintMixin, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Whether a model is served here, by which deployment, and what access to it requires."""

    class Meta:
        model = HostedModel
        fields = SERVING

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, saved=serving_of(kwargs.get("instance")), **kwargs)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            require_deployment(data.get("status", ""), data.get("deployment", ""))
            require_serving_seen(self.instance, data.get("seen"))
        except DomainError as error:
            self.add_error(error.field, error.message)
        return data


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """Releases, as `load_release` loaded them."""

    list_display = ["name", "slug", "licence", "licensor", "review_days"]
    list_select_related = ["licence"]


@admin.register(HostedModel)
class HostedModelAdmin(ReadOnlyAdmin):
    """Models; operators switch one on or off, until the folder is loaded again."""

    form = ServingForm
    list_display = ["name", "release", "status", "deployment", "tier"]
    list_filter = ["release", "status", "tier"]
    list_select_related = ["release"]
    search_fields = ["name", "slug"]
    readonly_fields = FACTS
    fieldsets = [
        (
            "Serving",
            {
                "fields": SERVING,
                "description": "Changes take effect immediately. The next load_release "
                "overwrites them from the release folder.",
            },
        ),
        ("From the release folder", {"fields": FACTS}),
    ]

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002 -- Django's signature
        obj: HostedModel | None = None,  # type: ignore[override]  # noqa: ARG002
    ) -> bool:
        return True

    def save_model(
        self,
        request: HttpRequest,
        obj: HostedModel,
        form: forms.ModelForm,  # type: ignore[type-arg]  # noqa: ARG002 -- Django's signature
        change: bool,  # noqa: ARG002, FBT001
    ) -> None:
        change_serving(
            obj,
            status=ModelStatus(obj.status),
            deployment=obj.deployment,
            tier=Tier(obj.tier),
            actor=cast("User", request.user),
        )
