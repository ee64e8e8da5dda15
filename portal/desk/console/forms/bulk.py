"""The form for one command on several applications."""

from __future__ import annotations

from django import forms

from portal.gate.access.domain.desk.bulk import BULK_COMMANDS
from portal.gate.access.enums import Command
from portal.platform.core.numbers import is_number
from portal.platform.core.page_forms import PageForm


class CasesField(forms.MultipleChoiceField):
    """Check boxes with values such as `GH-2026-0042:3`: the case and the revision seen."""

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: object) -> bool:
        case, _, revision = str(value).partition(":")
        return bool(case) and is_number(revision)


VERBS = {
    Command.CLAIM: "Claim",
    Command.REMIND: "Remind",
    Command.RETURN: "Return for changes",
}
BULK_CHOICES = [(command.value, VERBS[command]) for command in BULK_COMMANDS]


class BulkForm(PageForm):
    """One command on several applications."""

    command = forms.ChoiceField(
        label="Action on marked applications",
        choices=BULK_CHOICES,
    )
    note = forms.CharField(
        label="Note to each applicant (only for a return)",
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    cases = CasesField(error_messages={"required": "Mark at least one application."})

    def cases_seen(self) -> dict[str, int]:
        """The revisions seen, by case number. Call `is_valid()` first."""
        pairs = (value.split(":") for value in self.cleaned_data["cases"])
        return {case: int(revision) for case, revision in pairs}
