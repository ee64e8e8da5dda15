"""The base of forms that filter a list, and fields whose choices are set later."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.db.models import QuerySet, TextChoices

from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.core.page_forms import PageForm

WAITING = "waiting"
ALL = "all"


class ReviewerField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """A choice of reviewers, by name. Set its queryset with `set_reviewers`."""

    def label_from_instance(self, obj: User) -> str:
        return obj.name


class FilterForm(PageForm):
    """A form that filters a list. Values in the URL that do not parse are ignored."""

    def is_narrowed(self) -> bool:
        """Whether any filter was chosen."""
        return any(self.data.get(name) for name in self.fields)


class SearchField(forms.CharField):
    """Words to search for; the placeholder says where."""

    def __init__(self, placeholder: str) -> None:
        search = forms.TextInput(attrs={"type": "search", "placeholder": placeholder})
        super().__init__(label="Search", required=False, max_length=200, widget=search)


def state_choices(states: type[TextChoices]) -> list[tuple[str, str]]:
    """What waits for a reviewer, each state after a draft's, and all."""
    submitted = [(value, label) for value, label in states.choices if value != "draft"]
    return [(WAITING, "Waiting"), *submitted, (ALL, "All")]


def chosen_states(chosen: str, *, waiting: Iterable[str]) -> tuple[str, ...]:
    """The states that one of `state_choices` stands for; empty for all."""
    if chosen == ALL:
        return ()
    return (chosen,) if chosen and chosen != WAITING else tuple(waiting)


def model_choices() -> list[tuple[str, str]]:
    """All models, open or not."""
    models = HostedModel.objects.values_list("slug", "name")
    return [("", "All models"), *models]


def set_reviewers(form: forms.Form, name: str, reviewers: QuerySet[User]) -> None:
    field = form.fields[name]
    assert isinstance(field, ReviewerField)  # noqa: S101 -- tells mypy what the class says
    field.queryset = reviewers


def set_choices(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- tells mypy what the class says
    field.choices = choices
