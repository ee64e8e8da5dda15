"""Filters of the reviewers' lists, and the reason for what happens to a grant."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from portal.access.domain.desk.queue import QueueFilter, list_countries
from portal.access.enums import REVIEW_STATES, ApplicationState, GrantState
from portal.accounts.models import User
from portal.catalog.models import HostedModel

WAITING = "waiting"
ALL = "all"


class ReviewerField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """A choice of reviewers, by name; give it its queryset with `set_reviewers`."""

    def label_from_instance(self, obj: User) -> str:
        return obj.name


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
            (WAITING, "Waiting"),
            *((state.value, state.label) for state in ApplicationState if state != "draft"),
            (ALL, "All"),
        ],
    )
    claim = forms.ChoiceField(
        label="Taken up",
        required=False,
        choices=[
            ("", "Whoever has it"),
            ("mine", "By me"),
            ("free", "By nobody"),
            ("others", "By others"),
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
        set_choices(self, "model", _model_choices())
        set_choices(self, "country", [("", "Every country"), *list_countries()])

    def to_filter(self) -> QueueFilter:
        """The filter as typed values; fields that do not parse fall back to their default."""
        self.is_valid()
        data = self.cleaned_data
        state = data.get("state") or WAITING
        return QueueFilter(
            states=_states(state),
            claim=data.get("claim", ""),
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
        set_choices(self, "model", _model_choices())

    def to_filter(self) -> dict[str, str]:
        """Keyword arguments for `find_grants`."""
        self.is_valid()
        data = self.cleaned_data
        return {
            "state": data.get("state", ""),
            "model": data.get("model", ""),
            "text": data.get("q", "").replace("\0", "").strip(),
        }


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


class GrantLimitsForm(forms.Form):
    """How much one grant allows."""

    daily_tokens = forms.IntegerField(
        required=False,
        min_value=1,
        label="Tokens in 24 hours",
        help_text="Empty for the site's quota.",
    )
    parallel_jobs = forms.IntegerField(
        required=False,
        min_value=1,
        label="Runs of the API at a time",
        help_text="Empty for the site's number. Further runs wait.",
    )
    reason = forms.CharField(
        label="Why",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For the record.",
        error_messages={"required": "Say why."},
    )

    use_required_attribute = False


def _states(chosen: str) -> tuple[str, ...]:
    if chosen == ALL:
        return ()
    return tuple(REVIEW_STATES) if chosen == WAITING else (chosen,)


def _model_choices() -> list[tuple[str, str]]:
    models = HostedModel.objects.values_list("slug", "name")
    return [("", "Every model"), *models]


def set_reviewers(form: forms.Form, name: str, reviewers: QuerySet[User]) -> None:
    field = form.fields[name]
    assert isinstance(field, ReviewerField)  # noqa: S101 -- tells mypy what the class says
    field.queryset = reviewers


def set_choices(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- tells mypy what the class says
    field.choices = choices
