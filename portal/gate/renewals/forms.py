"""The forms of a holder: a one-page report, and a statement at the end."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from portal.gate.access.models import Grant
from portal.gate.renewals.domain.handing_in import LONGEST_TEXT, TEXTS, ReportAnswers
from portal.gate.renewals.domain.statements import StatementAnswers
from portal.gate.renewals.models import Report
from portal.platform.core.forms import DayField
from portal.platform.core.page_forms import PageForm

YES_NO = (("yes", "Yes, only for noncommercial research"), ("no", "No, or not only"))


class GrantsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Check boxes of grants, named by model and end."""

    def label_from_instance(self, obj: Grant) -> str:
        return f"{obj.model.name}, until {obj.ends_at:%-d %B %Y}"


class ReportForm(PageForm):
    """The report, with a choice of grants unless they are given."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    grants = GrantsField(
        label="What you want to renew",
        queryset=Grant.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose what you want to renew."},
    )
    progress = forms.CharField(
        label="What you have done with the models",
        max_length=LONGEST_TEXT,
        help_text="Your question, your progress, and what is left to do. A paragraph is enough.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    outputs = forms.CharField(
        label="Results",
        max_length=LONGEST_TEXT,
        help_text="Publications, data sets and code, with links, or “nothing yet”.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    is_noncommercial = forms.ChoiceField(
        label="Is the use still noncommercial?",
        choices=YES_NO,
        widget=forms.RadioSelect,
        error_messages={"required": "Say whether the use is still noncommercial."},
    )
    incidents = forms.CharField(
        label="Incidents",
        max_length=LONGEST_TEXT,
        help_text="Lost keys or copies, harmful outputs that reached others, other misuse. "
        "Write “none” if there were none.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, grants: QuerySet[Grant] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, message in TEXTS.items():
            self.fields[name].error_messages["required"] = message
        if grants is None:
            del self.fields["grants"]
            return
        field = self.fields["grants"]
        assert isinstance(field, GrantsField)  # noqa: S101 -- tells mypy what the class body says
        field.queryset = grants

    def answers(self) -> ReportAnswers:
        """The checked content; only after `is_valid()`."""
        data = self.cleaned_data
        return ReportAnswers(
            progress=data["progress"],
            outputs=data["outputs"],
            is_noncommercial=data["is_noncommercial"] == "yes",
            incidents=data["incidents"],
        )


def begin_with(report: Report | None) -> dict[str, object]:
    """The initial values of the form: the last report, or nothing."""
    if report is None:
        return {}
    return {
        "progress": report.progress,
        "outputs": report.outputs,
        "is_noncommercial": "yes" if report.is_noncommercial else "no",
        "incidents": report.incidents,
    }


class StatementForm(PageForm):
    """That the weights and every copy are destroyed."""

    destroyed_on = DayField(
        label="Destroyed on",
        help_text="The day on which the last copy was destroyed.",
        error_messages={"required": "Say when the last copy was destroyed."},
    )
    remarks = forms.CharField(
        label="Remarks",
        required=False,
        max_length=2000,
        help_text="For example, that you never downloaded a copy, or what a backup still "
        "contains and when it expires.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    is_destroyed = forms.BooleanField(
        label="I state that the weights and every copy of them, including copies on other "
        "people's machines, are destroyed",
        error_messages={"required": "Confirm that no copy is left."},
    )
    legal_name = forms.CharField(
        label="Your full legal name",
        min_length=3,
        max_length=200,
        error_messages={
            "required": "Type your full legal name.",
            "min_length": "Type your full legal name.",
        },
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
    )

    def answers(self) -> StatementAnswers:
        """The checked content; only after `is_valid()`."""
        data = self.cleaned_data
        return StatementAnswers(
            legal_name=data["legal_name"],
            destroyed_on=data["destroyed_on"],
            remarks=data["remarks"],
        )
