"""The filter of those who have not signed again, and whom of them to remind."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.desk.console.forms.filters import FilterForm, set_choices
from portal.gate.access.domain.reconsent.outdated import OutdatedFilter
from portal.gate.licensing.models import Licence
from portal.platform.core.numbers import is_number


class OutdatedFilterForm(FilterForm):
    """What the list shows."""

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=200,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Name, e-mail, organisation"}
        ),
    )
    licence = forms.ChoiceField(label="Licence", required=False)
    state = forms.ChoiceField(
        label="Their signature",
        required=False,
        choices=[("", "Whether it holds or not"), ("holds", "Still holds"), ("over", "Has ended")],
    )
    access = forms.ChoiceField(
        label="Access",
        required=False,
        choices=[("", "With or without a grant"), ("live", "With a live grant")],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        licences = Licence.objects.order_by("name").values_list("slug", "name")
        set_choices(self, "licence", [("", "Every licence"), *licences])

    def to_filter(self) -> OutdatedFilter:
        """The filter as typed values; nonsense counts as not chosen."""
        self.is_valid()
        data = self.cleaned_data
        return OutdatedFilter(
            licence=data.get("licence", ""),
            state=data.get("state", ""),
            has_access=data.get("access") == "live",
            text=data.get("q", "").replace("\0", "").strip(),
        )


class SignaturesField(forms.MultipleChoiceField):
    """Check boxes whose values are numbers of signatures."""

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: object) -> bool:
        return is_number(str(value))


class RemindForm(forms.Form):
    """Whom to remind."""

    signatures = SignaturesField(error_messages={"required": "Mark at least one person."})

    use_required_attribute = False

    def chosen(self) -> set[int]:
        """Numbers of signatures; only after `is_valid()`."""
        return {int(value) for value in self.cleaned_data["signatures"]}
