"""The filter of the people who hold weights."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.desk.console.forms.filters import FilterForm, SearchField, model_choices, set_choices


class HolderFilterForm(FilterForm):
    """By person and by model."""

    q = SearchField("Name or e-mail")
    model = forms.ChoiceField(label="Model", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "model", model_choices())

    def to_filter(self) -> dict[str, str]:
        """Keyword arguments for `list_holders`."""
        self.is_valid()
        return {
            "text": self.cleaned_data.get("q", ""),
            "model": self.cleaned_data.get("model", ""),
        }
