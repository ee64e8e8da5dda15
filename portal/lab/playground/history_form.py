"""The form that selects runs of the history."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.lab.jobs.enums import JobState
from portal.lab.notebook.domain.history import RunFilter, playground_runs
from portal.lab.notebook.domain.projects import list_projects
from portal.lab.notebook.models import Project
from portal.platform.accounts.models import User

LONGEST_SEARCH = 1000


class HistoryForm(forms.Form):
    """Empty fields exclude nothing."""

    words = forms.CharField(
        label="Text in the prompt or completion",
        required=False,
        max_length=LONGEST_SEARCH,
        widget=forms.TextInput(attrs={"type": "search", "class": "input", "autocomplete": "off"}),
        error_messages={
            "max_length": "A search has at most %(limit_value)d characters.",
            "null_characters_not_allowed": "The search contains a character that is not text.",
        },
    )
    model = forms.ChoiceField(
        label="Model",
        required=False,
        widget=forms.Select(attrs={"class": "input"}),
        error_messages={"invalid_choice": "Choose one of the models in the list."},
    )
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Any"), *JobState.choices],
        widget=forms.Select(attrs={"class": "input"}),
        error_messages={"invalid_choice": "Choose one of the states in the list."},
    )

    project = forms.ModelChoiceField(
        label="Project",
        required=False,
        queryset=Project.objects.none(),
        empty_label="Any",
        widget=forms.Select(attrs={"class": "input"}),
        error_messages={"invalid_choice": "Choose one of your projects."},
    )
    is_starred = forms.BooleanField(label="Starred", required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        """The models to choose from are those of the person's runs."""
        super().__init__(*args, **kwargs)
        runs = playground_runs(user, RunFilter()).order_by("model__name")
        used = runs.values_list("model__slug", "model__name").distinct()
        self.fields["model"].choices = [("", "Any"), *used]  # type: ignore[attr-defined]
        self.fields["project"].queryset = list_projects(user)  # type: ignore[attr-defined]

    def to_filter(self) -> RunFilter:
        """What a valid form asks for."""
        return RunFilter(**self.cleaned_data)
