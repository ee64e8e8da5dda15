"""The application form. A draft accepts anything; only submitting validates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django_countries import countries

from portal.gate.access.application_fields import APPLICATION_FIELDS
from portal.gate.access.capabilities import CAPABILITIES
from portal.gate.access.domain.process.applications import Answers
from portal.gate.access.domain.process.reopening import LONGEST_APPEAL
from portal.gate.access.domain.screening.orcid import normalise_orcid
from portal.gate.access.enums import Capability, Sector
from portal.gate.catalog.models import HostedModel
from portal.platform.core.page_forms import PageForm


class ModelsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Checkboxes for models, by slug."""

    def label_from_instance(self, obj: HostedModel) -> str:
        status = "live" if obj.is_live else "not loaded here"
        return f"{obj.name} ({status})"


class ApplicationForm(PageForm):
    """The questions to an applicant. Name and e-mail address come from the account."""

    affiliation = forms.CharField(
        label="Institution",
        max_length=200,
        help_text="Where you do this research: university, institute, company or none.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    position = forms.CharField(
        label="Your role there",
        max_length=200,
        help_text="For example doctoral student, engineer, lecturer.",
        widget=forms.TextInput(attrs={"autocomplete": "organization-title"}),
    )
    sector = forms.ChoiceField(
        label="Kind of institution",
        required=False,
        choices=[("", "Prefer not to say"), *Sector.choices],
        help_text="For statistics on fair treatment. It does not affect the decision.",
    )
    country = forms.ChoiceField(
        label="Country",
        choices=lambda: [("", "Choose a country"), *countries],
        help_text="Where you will use the models.",
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )
    orcid = forms.CharField(
        label="ORCID iD",
        required=False,
        max_length=60,
        help_text="Sixteen characters, for example 0000-0002-1825-0097.",
    )
    homepage = forms.CharField(
        label="Homepage or publications",
        max_length=2000,
        help_text="Something that shows your work: a page that names you, a few links or DOIs.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    intended_use = forms.CharField(
        label="What you will use the models for",
        max_length=5000,
        help_text="The question, the method, and what will be published. A paragraph is enough.",
        widget=forms.Textarea(attrs={"rows": 7}),
    )
    models_wanted = ModelsField(
        label="Models",
        queryset=HostedModel.objects.none(),
        to_field_name="slug",
        help_text="You cannot try a model while it is not loaded here, "
        "but your access to it counts from the day of approval.",
        widget=forms.CheckboxSelectMultiple,
    )
    capabilities = forms.MultipleChoiceField(
        label="Ways of use",
        choices=[(each, terms.words) for each, terms in CAPABILITIES.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    data_handling = forms.CharField(
        label="How you will handle outputs and data",
        max_length=5000,
        help_text="Where they are stored, who can read them, and when they are deleted.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    others_with_access = forms.CharField(
        label="Who else will have access",
        max_length=5000,
        help_text="Names and roles. Each of them applies for access separately. "
        "Write “nobody” if you work alone.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, has_verified_orcid: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        models = self.fields["models_wanted"]
        assert isinstance(models, ModelsField)  # noqa: S101 -- tells mypy what the class body says
        models.queryset = HostedModel.objects.select_related("release")
        for name, terms in APPLICATION_FIELDS.items():
            self.fields[name].error_messages["required"] = terms.missing
        if has_verified_orcid:
            del self.fields["orcid"]

    def clean_orcid(self) -> str:
        typed: str = self.cleaned_data["orcid"]
        if not typed:
            return ""
        try:
            return normalise_orcid(typed)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def answers(self) -> Answers:
        """The checked content; only after `is_valid()`."""
        data = {"orcid": "", **self.cleaned_data}
        models, uses = data.pop("models_wanted"), data.pop("capabilities")
        return Answers(**data, models=tuple(models), capabilities=tuple(map(Capability, uses)))


class AppealForm(PageForm):
    """The text of an appeal."""

    text = forms.CharField(
        label="What was overlooked",
        max_length=LONGEST_APPEAL,
        help_text="Another reviewer reads this, word for word.",
        error_messages={"required": "Say what was overlooked."},
        widget=forms.Textarea(attrs={"rows": 7}),
    )


def write_seen(seen: Mapping[str, str]) -> str:
    """The fingerprints by field, as one text for a hidden input."""
    return " ".join(f"{name}:{mark}" for name, mark in seen.items())


def read_seen(data: QueryDict) -> Mapping[str, str] | None:
    """The fingerprints that were sent; None from a program that sends none."""
    if "seen" not in data:
        return None
    pairs = (pair.partition(":") for pair in str(data["seen"]).split())
    return {name: mark for name, _, mark in pairs}


def read_draft(
    data: QueryDict, *, names: Iterable[str] = APPLICATION_FIELDS
) -> dict[str, str | list[str]]:
    """What was typed into the named fields, valid or not.

    A group of checkboxes with none ticked sends nothing, so such a name always counts as sent;
    a text field that was not sent keeps its saved text.
    """
    values: dict[str, str | list[str]] = {}
    for name in names:
        if name in APPLICATION_FIELDS and APPLICATION_FIELDS[name].is_many:
            chosen: list[str] = [str(value) for value in data.getlist(name)]
            values[name] = chosen
        elif name in data:
            values[name] = str(data[name])
    return values
