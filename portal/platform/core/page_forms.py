"""Forms on pages: what they have in common, and how they show a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, time
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.platform.core.errors import DomainError
from portal.platform.core.forms import DayField

LAST_SECOND: Final = time(23, 59, 59)


class PageForm(forms.Form):
    """A form whose missing answers are refused by the site, in its words, not by the browser."""

    use_required_attribute = False


class LastDayField(DayField):
    """The last day of something. Its value is the last second of that day, in UTC."""

    def clean(self, value: object) -> datetime | None:
        day = super().clean(value)
        return datetime.combine(day, LAST_SECOND, tzinfo=UTC) if day else None


@contextmanager
def refusals_in(form: forms.BaseForm) -> Iterator[None]:
    """Turn a refusal of what is done inside into an error of the form, at the field at fault."""
    try:
        yield
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)


def render_form(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """The page of the context's `form`, with status 422 if what was sent is refused."""
    return render(request, template, context, status=422 if context["form"].errors else 200)
