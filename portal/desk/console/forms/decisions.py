"""The forms behind a reviewer's commands on one application."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
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
from portal.platform.core.forms import DayField

LAST_MINUTE = time(23, 59, 59)
NOTE = "note_"
"""Before the name of an application's field: a note on it."""


class DecisionForm(forms.Form):
    """What every decision carries: the revision of the application that was read."""

    seen = forms.IntegerField(widget=forms.HiddenInput)

    use_required_attribute = False


class ApproveForm(DecisionForm):
    """Until when, which models, which ways of use."""

    ends_on = DayField(
        label="Access ends on",
        help_text="The last day, in UTC.",
    )
    models = forms.ModelMultipleChoiceField(
        label="Models",
        queryset=HostedModel.objects.none(),
        to_field_name="slug",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one model."},
    )
    capabilities = forms.MultipleChoiceField(
        label="Ways of use",
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
        label="Why it is approved all the same",
        required=False,
        max_length=5000,
        help_text="For the record; the applicant does not read it.",
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
        # With none left, the command says why.
        models.queryset = open_models or application.models_wanted.all()
        asked = [Capability(use) for use in application.capabilities]
        set_choices(self, "capabilities", [(use.value, str(use.label)) for use in asked])

    def ends_at(self) -> datetime:
        """The last second of the last day."""
        return datetime.combine(self.cleaned_data["ends_on"], LAST_MINUTE, tzinfo=UTC)


class ReturnForm(DecisionForm):
    """What should be changed: of the whole, or field by field."""

    reason_code = forms.ChoiceField(
        label="Kind of reason",
        required=False,
        choices=[("", "Not said"), *ReasonCode.choices],
        help_text="For the statistics; the applicant reads it too.",
    )
    note = forms.CharField(
        label="What should be changed",
        required=False,
        max_length=5000,
        help_text="The applicant reads this, word for word. Notes on single fields stand below.",
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
        """The notes on single fields."""
        return [field for field in self if field.name.startswith(NOTE)]

    def has_field_notes(self) -> bool:
        return any(field.value() for field in self.single())

    def field_notes(self) -> dict[str, str]:
        """What was written, by field of the application; only after `is_valid()`."""
        return {
            name: self.cleaned_data[f"{NOTE}{name}"]
            for name in APPLICATION_FIELDS
            if self.cleaned_data.get(f"{NOTE}{name}")
        }


class RejectForm(DecisionForm):
    """Why not."""

    reason_code = forms.ChoiceField(
        label="Kind of reason",
        choices=[("", "Choose one"), *ReasonCode.choices],
        error_messages={"required": "Choose the kind of reason."},
    )
    reason = forms.CharField(
        label="Reason",
        max_length=5000,
        help_text="The applicant reads this, word for word, and may appeal once.",
        error_messages={"required": "Give the reason for the refusal."},
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class ReopenForm(DecisionForm):
    """Why a decision is looked at again."""

    reason = forms.CharField(
        label="Reason",
        max_length=5000,
        help_text="The applicant reads this, word for word. Access stands still meanwhile.",
        error_messages={"required": "Say why. The applicant will read it."},
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class HandOverForm(DecisionForm):
    """To whom an application goes."""

    to = ReviewerField(
        label="To", queryset=User.objects.none(), error_messages={"required": "Choose somebody."}
    )
    note = forms.CharField(label="Note to them", required=False, max_length=500)

    def __init__(self, *args: Any, receivers: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_reviewers(self, "to", receivers)


def propose_terms(
    application: Application, endorsement: Endorsement | None = None
) -> dict[str, object]:
    """What the approval form begins with: what was asked, or what a first reviewer agreed to."""
    if endorsement is not None:
        return {
            "seen": application.revision,
            "ends_on": endorsement.ends_at.date(),
            "models": [model.slug for model in endorsement.models_endorsed.all()],
            "capabilities": endorsement.capabilities,
        }
    return {
        "seen": application.revision,
        "ends_on": _default_end(),
        "models": [model.slug for model in application.models_wanted.all()],
        "capabilities": application.capabilities,
    }


def _default_end() -> date:
    return (timezone.now() + timedelta(days=settings.GRANT_DEFAULT_DAYS)).date()
