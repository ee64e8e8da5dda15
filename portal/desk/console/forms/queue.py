"""The filter of the reviewers' queue."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.desk.console.forms.filters import ALL, WAITING, FilterForm, model_choices, set_choices
from portal.gate.access.domain.desk.queue import QueueFilter, list_countries
from portal.gate.access.enums import REVIEW_STATES, ApplicationState


class QueueFilterForm(FilterForm):
    """Fields for search, state, claim, model, country and order."""

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
        state = data.get("state") or WAITING
        return QueueFilter(
            states=_states(state),
            claim=data.get("claim", ""),
            model=data.get("model", ""),
            country=data.get("country", ""),
            text=data.get("q", "").replace("\0", "").strip(),
            order=data.get("order") or "oldest",
        )


def _states(chosen: str) -> tuple[str, ...]:
    if chosen == ALL:
        return ()
    return tuple(REVIEW_STATES) if chosen == WAITING else (chosen,)
