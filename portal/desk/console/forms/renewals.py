"""The forms for a reviewer's commands on one renewal, and the filter of the list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.http import QueryDict

from portal.desk.console.forms.decisions import DecisionForm, EndForm
from portal.desk.console.forms.filters import FilterForm, SearchField, chosen_states, state_choices
from portal.gate.renewals.domain.decisions import current_endorsements
from portal.gate.renewals.enums import REVIEW_STATES, RenewalCommand, RenewalState
from portal.gate.renewals.models import Renewal


class ApproveRenewalForm(EndForm):
    """The new end date."""

    note = forms.CharField(
        label="Note to the holder",
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ReturnRenewalForm(DecisionForm):
    """A note on what to change in the report."""

    note = forms.CharField(
        label="Changes needed",
        max_length=5000,
        help_text="The holder sees this text.",
        error_messages={"required": "Enter the changes that are needed."},
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class RefuseRenewalForm(DecisionForm):
    """The reason for a refusal."""

    reason = forms.CharField(
        label="Reason",
        max_length=5000,
        help_text="The holder sees this text. Access continues until its current end date.",
        error_messages={"required": "Enter the reason for the refusal."},
        widget=forms.Textarea(attrs={"rows": 4}),
    )


FORMS: Final[Mapping[RenewalCommand, type[DecisionForm]]] = {
    RenewalCommand.APPROVE: ApproveRenewalForm,
    RenewalCommand.RETURN: ReturnRenewalForm,
    RenewalCommand.REFUSE: RefuseRenewalForm,
}
"""The other commands need no more than `DecisionForm`."""


class RenewalFilterForm(FilterForm):
    """The filter of the list of renewals."""

    q = SearchField("Name, e-mail, case")
    state = forms.ChoiceField(label="State", required=False, choices=state_choices(RenewalState))

    def to_filter(self) -> dict[str, Any]:
        """Keyword arguments for `find_renewals`."""
        self.is_valid()
        data = self.cleaned_data
        states = chosen_states(data.get("state", ""), waiting=REVIEW_STATES)
        return {"states": states, "text": data.get("q", "")}


def make_form(
    command: RenewalCommand, renewal: Renewal, data: QueryDict | None = None
) -> DecisionForm:
    """The command's form for this renewal, bound if there is `data`."""
    initial: dict[str, object] = {"seen": renewal.revision}
    if command == RenewalCommand.APPROVE:
        initial["ends_on"] = propose_end(renewal)
    return FORMS.get(command, DecisionForm)(data, initial=initial, prefix=command)


def propose_end(renewal: Renewal) -> date:
    """A first reviewer's end date, or GRANT_DEFAULT_DAYS after the latest current end."""
    for step in current_endorsements(renewal):
        if step.ends_at is not None:
            return step.ends_at.date()
    latest = max(grant.ends_at for grant in renewal.grants.all())
    return (latest + timedelta(days=settings.GRANT_DEFAULT_DAYS)).date()
