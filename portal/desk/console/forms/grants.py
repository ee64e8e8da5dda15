"""Forms for grants: the filter of the list, the limits, and the reason for a change."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.desk.console.forms.filters import FilterForm, SearchField, model_choices, set_choices
from portal.gate.access.enums import GrantState
from portal.platform.core.forms import FingerprintMixin
from portal.platform.core.page_forms import PageForm
from portal.platform.core.wire import LARGEST_COUNT


class GrantFilterForm(FilterForm):
    """The filter of the list of grants."""

    q = SearchField("Name, e-mail, institution, case")
    state = forms.ChoiceField(
        label="State", required=False, choices=[("", "All states"), *GrantState.choices]
    )
    model = forms.ChoiceField(label="Model", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "model", model_choices())

    def to_filter(self) -> dict[str, str]:
        """Keyword arguments for `find_grants`."""
        self.is_valid()
        data = self.cleaned_data
        return {
            "state": data.get("state", ""),
            "model": data.get("model", ""),
            "text": data.get("q", ""),
        }


class GrantReasonForm(PageForm):
    """The reason for suspending, resuming or revoking a grant."""

    reason = forms.CharField(
        label="Reason",
        max_length=5000,
        help_text="The researcher sees this text.",
        error_messages={"required": "Enter a reason. The researcher will see it."},
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class GrantLimitsForm(FingerprintMixin, PageForm):
    """The limits of one grant."""

    daily_tokens = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_COUNT,
        label="Tokens in 24 hours",
        help_text="Empty: the site's quota.",
    )
    parallel_jobs = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_COUNT,
        label="Concurrent API runs",
        help_text="Empty: the site's limit. Further runs wait.",
    )
    reason = forms.CharField(
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For the record.",
        error_messages={"required": "Enter a reason."},
    )
