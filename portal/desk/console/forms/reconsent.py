"""Forms for outdated signatures: the filter of the list, and the reminder."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.desk.console.forms.filters import FilterForm, SearchField, set_choices
from portal.gate.access.domain.reconsent.outdated import OutdatedFilter
from portal.gate.licensing.models import Licence
from portal.platform.core.numbers import is_number
from portal.platform.core.page_forms import PageForm


class OutdatedFilterForm(FilterForm):
    """The filter of the list of outdated signatures."""

    q = SearchField("Name, e-mail, organisation")
    licence = forms.ChoiceField(label="Licence", required=False)
    state = forms.ChoiceField(
        label="Signature",
        required=False,
        choices=[("", "In force or ended"), ("holds", "Still in force"), ("over", "Ended")],
    )
    access = forms.ChoiceField(
        label="Access",
        required=False,
        choices=[("", "With or without a grant"), ("live", "With a grant in force")],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        licences = Licence.objects.order_by("name").values_list("slug", "name")
        set_choices(self, "licence", [("", "All licences"), *licences])

    def to_filter(self) -> OutdatedFilter:
        """The filter as typed values; a value that does not parse is ignored."""
        self.is_valid()
        data = self.cleaned_data
        return OutdatedFilter(
            licence=data.get("licence", ""),
            state=data.get("state", ""),
            has_access=data.get("access") == "live",
            text=data.get("q", ""),
        )


class SignaturesField(forms.MultipleChoiceField):
    """Check boxes whose values are primary keys of signatures."""

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: object) -> bool:
        return is_number(str(value))


class RemindForm(PageForm):
    """The signatures whose signers are reminded."""

    signatures = SignaturesField(error_messages={"required": "Mark at least one person."})

    def chosen(self) -> set[int]:
        """Primary keys of signatures. Call `is_valid()` first."""
        return {int(value) for value in self.cleaned_data["signatures"]}
