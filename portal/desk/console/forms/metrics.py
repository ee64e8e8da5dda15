"""The period over which the review process is measured."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.http import QueryDict

from portal.desk.console.forms.filters import FilterForm

DEFAULT_DAYS = 90
PERIODS = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("1825", "Five years")]


class PeriodForm(FilterForm):
    """A choice of the last N days."""

    period = forms.ChoiceField(label="The last", required=False, choices=PERIODS, initial="90")

    def __init__(self, query: QueryDict) -> None:
        super().__init__({"period": query.get("period") or str(DEFAULT_DAYS)})

    @property
    def days(self) -> int:
        """The chosen number of days; 90 if none was chosen or the value does not parse."""
        self.is_valid()
        return int(self.cleaned_data.get("period") or DEFAULT_DAYS)

    def to_period(self, *, at: datetime) -> tuple[datetime, datetime]:
        """The start and the end of the period."""
        return at - timedelta(days=self.days), at
