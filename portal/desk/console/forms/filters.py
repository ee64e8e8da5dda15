"""The base of forms that filter a list, and fields whose choices are set later."""

from __future__ import annotations

from django import forms
from django.db.models import QuerySet

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
