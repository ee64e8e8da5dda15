"""The filter of the reviewers' queue."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.desk.console.forms.filters import (
    FilterForm,
    SearchField,
    chosen_states,
    model_choices,
    set_choices,
    state_choices,
)
from portal.gate.access.domain.desk.queue import QueueFilter, list_countries
from portal.gate.access.enums import REVIEW_STATES, ApplicationState


class QueueFilterForm(FilterForm):
    """Fields for search, state, claim, model, country and order."""

    q = SearchField("Case, name, institution, e-mail")
    state = forms.ChoiceField(
        label="State", required=False, choices=state_choices(ApplicationState)
    )
    claim = forms.ChoiceField(
        label="Claim",
        required=False,
        choices=[
            ("", "Claimed or not"),
            ("mine", "Claimed by me"),
            ("free", "Not claimed"),
            ("others", "Claimed by others"),
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
        set_choices(self, "model", model_choices())
        set_choices(self, "country", [("", "All countries"), *list_countries()])

    def to_filter(self) -> QueueFilter:
        """The filter as typed values; a field that does not parse gets its default."""
        self.is_valid()
        data = self.cleaned_data
        return QueueFilter(
            states=chosen_states(data.get("state", ""), waiting=REVIEW_STATES),
            claim=data.get("claim", ""),
            model=data.get("model", ""),
            country=data.get("country", ""),
            text=data.get("q", ""),
            order=data.get("order") or "oldest",
        )
