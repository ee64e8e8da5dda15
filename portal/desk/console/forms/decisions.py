"""The forms for a reviewer's commands on one application."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from portal.desk.console.forms.filters import ReviewerField, set_choices, set_reviewers
from portal.gate.access.application_fields import APPLICATION_FIELDS
from portal.gate.access.enums import Capability, ReasonCode
from portal.gate.access.models import Application, Endorsement
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.core.page_forms import LastDayField, PageForm

NOTE = "note_"
"""The prefix, before the name of an application's field, of the note on that field."""


class DecisionForm(PageForm):
    """The field that every decision has: the revision of the row that was read."""

    seen = forms.IntegerField(widget=forms.HiddenInput)

    def terms(self) -> dict[str, Any]:
        """The keyword arguments of the command. Call `is_valid()` first."""
        return self.cleaned_data


class EndForm(DecisionForm):
    """The end date of an approval."""

    ends_on = LastDayField(label="Access ends on", help_text="The last day, in UTC.")

    def terms(self) -> dict[str, Any]:
        terms = {**super().terms()}
        return {"ends_at": terms.pop("ends_on"), **terms}


class ApproveForm(EndForm):
    """The end date, the models, and the ways of use."""

    models = forms.ModelMultipleChoiceField(
        label="Models",
        queryset=HostedModel.objects.none(),
        to_field_name="slug",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one model."},
    )
    capabilities = forms.TypedMultipleChoiceField(
        label="Ways of use",
        coerce=Capability,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one way of use."},
    )
    note = forms.CharField(
        label="Note to the applicant",
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    override = forms.CharField(
        label="Why you approve it anyway",
        required=False,
        max_length=5000,
        help_text="For the record. The applicant does not see it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        *args: Any,
        application: Application,
        open_models: QuerySet[HostedModel],
        has_concerns: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not has_concerns:
            del self.fields["override"]
        models = self.fields["models"]
        assert isinstance(models, forms.ModelMultipleChoiceField)  # noqa: S101 -- for mypy
        # When no model remains, the command gives the reason.
        models.queryset = open_models or application.models_wanted.all()
        asked = [Capability(use) for use in application.capabilities]
        set_choices(self, "capabilities", [(use.value, str(use.label)) for use in asked])

    def terms(self) -> dict[str, Any]:
        return {**super().terms(), "models": list(self.cleaned_data["models"])}


class ReturnForm(DecisionForm):
    """Notes on what to change: on the whole application and on single fields."""

    reason_code = forms.TypedChoiceField(
        label="Kind of reason",
        required=False,
        coerce=ReasonCode,
        empty_value=None,
        choices=[("", "Not specified"), *ReasonCode.choices],
        help_text="For the statistics. The applicant sees it too.",
    )
    note = forms.CharField(
        label="Changes needed",
        required=False,
        max_length=5000,
        help_text="The applicant sees this text. Notes on individual fields are below.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, terms in APPLICATION_FIELDS.items():
            self.fields[f"{NOTE}{name}"] = forms.CharField(
                label=terms.label,
                required=False,
                max_length=2000,
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    def whole(self) -> list[forms.BoundField]:
        return [field for field in self if not field.name.startswith(NOTE)]

    def single(self) -> list[forms.BoundField]:
        """The form's fields for notes on individual fields."""
        return [field for field in self if field.name.startswith(NOTE)]

    def has_field_notes(self) -> bool:
        return any(field.value() for field in self.single())

    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            **{name: data[name] for name in ("seen", "note", "reason_code")},
            "field_notes": {name: data[f"{NOTE}{name}"] for name in APPLICATION_FIELDS},
        }


class RejectForm(DecisionForm):
    """The reason for a rejection."""

    reason_code = forms.TypedChoiceField(
        label="Kind of reason",
        coerce=ReasonCode,
        choices=[("", "Choose one"), *ReasonCode.choices],
        error_messages={"required": "Choose the kind of reason."},
    )
    reason = forms.CharField(
        label="Reason",
        max_length=5000,
        help_text="The applicant sees this text and can appeal once.",
        error_messages={"required": "Enter the reason for the rejection."},
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class ReopenForm(DecisionForm):
    """The reason for reopening a decided application."""

    reason = forms.CharField(
        label="Reason",
        max_length=5000,
        help_text="The applicant sees this text. Access is suspended during the new review.",
        error_messages={"required": "Enter a reason. The applicant will see it."},
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class HandOverForm(DecisionForm):
    """The reviewer who receives an application."""

    to = ReviewerField(
        label="To", queryset=User.objects.none(), error_messages={"required": "Choose a reviewer."}
    )
    note = forms.CharField(label="Note to them", required=False, max_length=500)

    def __init__(self, *args: Any, receivers: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_reviewers(self, "to", receivers)


def propose_terms(application: Application, endorsement: Endorsement | None) -> dict[str, object]:
    """Initial values of the approval form: the request, or a first reviewer's approval."""
    if endorsement is None:
        ends_at = timezone.now() + timedelta(days=settings.GRANT_DEFAULT_DAYS)
        models, capabilities = application.models_wanted.all(), application.capabilities
    else:
        ends_at = endorsement.ends_at
        models, capabilities = endorsement.models_endorsed.all(), endorsement.capabilities
    return {
        "seen": application.revision,
        "ends_on": ends_at.date(),
        "models": [model.slug for model in models],
        "capabilities": capabilities,
    }
