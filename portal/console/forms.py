"""Filters of the reviewers' lists, and the forms behind their decisions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone

from portal.access.domain.queue import QueueFilter, list_countries
from portal.access.enums import ApplicationState, Capability, GrantState
from portal.access.models import Application, Endorsement
from portal.catalog.models import HostedModel

WAITING = ApplicationState.SUBMITTED
ALL = "all"
LAST_MINUTE = time(23, 59, 59)


class FilterForm(forms.Form):
    """A form that narrows a list. Nonsense in the address counts as not chosen."""

    use_required_attribute = False

    def is_narrowed(self) -> bool:
        """Whether anything at all was chosen."""
        return any(self.data.get(name) for name in self.fields)


class QueueFilterForm(FilterForm):
    """What the queue shows."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Case, name, institution, e-mail"}
        ),
    )
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[
            *((state.value, state.label) for state in ApplicationState if state != "draft"),
            (ALL, "All"),
        ],
    )
    model = forms.ChoiceField(label="Model", required=False)
    country = forms.ChoiceField(label="Country", required=False)
    order = forms.ChoiceField(
        label="Order",
        required=False,
        choices=[
            ("oldest", "Longest waiting first"),
            ("newest", "Newest first"),
            ("name", "Name"),
            ("country", "Country"),
        ],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "model", _model_choices())
        _choices(self, "country", [("", "Every country"), *list_countries()])

    def to_filter(self) -> QueueFilter:
        """The filter as typed values; fields that do not parse fall back to their default."""
        self.is_valid()
        data = self.cleaned_data
        state = data.get("state") or WAITING
        return QueueFilter(
            state="" if state == ALL else state,
            model=data.get("model", ""),
            country=data.get("country", ""),
            text=data.get("q", "").replace("\0", "").strip(),
            order=data.get("order") or "oldest",
        )


class GrantFilterForm(FilterForm):
    """What the list of grants shows."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Name, e-mail, institution, case"}
        ),
    )
    state = forms.ChoiceField(
        label="State", required=False, choices=[("", "Every state"), *GrantState.choices]
    )
    model = forms.ChoiceField(label="Model", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "model", _model_choices())

    def to_filter(self) -> dict[str, str]:
        """Keyword arguments for `find_grants`."""
        self.is_valid()
        data = self.cleaned_data
        return {
            "state": data.get("state", ""),
            "model": data.get("model", ""),
            "text": data.get("q", "").replace("\0", "").strip(),
        }


class DecisionForm(forms.Form):
    """What every decision carries: the revision of the application that was read."""

    seen = forms.IntegerField(widget=forms.HiddenInput)

    use_required_attribute = False


class ApproveForm(DecisionForm):
    """Until when, which models, which ways of use."""

    ends_on = forms.DateField(
        label="Access ends on",
        help_text="The last day, in UTC.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
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

    def __init__(self, *args: Any, application: Application, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        models = self.fields["models"]
        assert isinstance(models, forms.ModelMultipleChoiceField)  # noqa: S101 -- for mypy
        models.queryset = application.models_wanted.all()
        asked = [Capability(use) for use in application.capabilities]
        _choices(self, "capabilities", [(use.value, str(use.label)) for use in asked])

    def ends_at(self) -> datetime:
        """The last second of the last day."""
        return datetime.combine(self.cleaned_data["ends_on"], LAST_MINUTE, tzinfo=UTC)


class ReturnForm(DecisionForm):
    """What should be changed."""

    note = forms.CharField(
        label="What should be changed",
        max_length=5000,
        help_text="The applicant reads this, word for word.",
        error_messages={"required": "Say what should be changed."},
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class RejectForm(DecisionForm):
    """Why not."""

    reason = forms.CharField(
        label="Reason",
        max_length=5000,
        help_text="The applicant reads this, word for word, and may apply again.",
        error_messages={"required": "Give the reason for the refusal."},
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class GrantReasonForm(forms.Form):
    """Why a grant is suspended, resumed or revoked."""

    reason = forms.CharField(
        label="Reason",
        max_length=5000,
        help_text="The researcher reads this, word for word.",
        error_messages={"required": "Say why. The researcher will read it."},
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    use_required_attribute = False


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


def _model_choices() -> list[tuple[str, str]]:
    models = HostedModel.objects.values_list("slug", "name")
    return [("", "Every model"), *models]


def _choices(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- tells mypy what the class says
    field.choices = choices
