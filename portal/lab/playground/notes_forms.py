"""What a person notes about a run, and their projects."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.lab.notebook.domain.projects import list_projects
from portal.lab.notebook.models import NAME_LENGTH, Node, Project
from portal.platform.accounts.models import User

NOT_TEXT = {"null_characters_not_allowed": "The name contains a character that is not text."}


class NotesForm(forms.Form):
    """A run's name, star and project."""

    name = forms.CharField(
        label="Name",
        required=False,
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
        error_messages=NOT_TEXT,
    )
    project = forms.ModelChoiceField(
        label="Project of the tree",
        required=False,
        queryset=Project.objects.none(),
        empty_label="None",
        widget=forms.Select(attrs={"class": "input"}),
        error_messages={"invalid_choice": "Choose one of your projects."},
    )
    is_starred = forms.BooleanField(label="Starred", required=False)

    def __init__(self, *args: Any, user: User, node: Node | None = None, **kwargs: Any) -> None:
        if node:
            kwargs["initial"] = {
                "name": node.name,
                "project": node.project_id,
                "is_starred": node.is_starred,
            }
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = list_projects(user)  # type: ignore[attr-defined]


class ProjectForm(forms.Form):
    """A project's name and retention period."""

    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
        error_messages={"required": "Give the project a name.", **NOT_TEXT},
    )
    retention_days = forms.IntegerField(
        label="Days until its runs are erased",
        required=False,
        min_value=1,
        max_value=32767,
        widget=forms.NumberInput(attrs={"class": "input", "inputmode": "numeric"}),
        error_messages={
            "invalid": "Give whole days, or leave it empty.",
            "min_value": "Texts are kept for at least one day.",
            "max_value": "These are too many days.",
        },
    )
    pk = forms.IntegerField(required=False, widget=forms.HiddenInput)
