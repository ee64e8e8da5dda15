"""Over which days the process is measured."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.http import QueryDict

from portal.desk.console.forms.filters import FilterForm

DEFAULT_DAYS = 90
PERIODS = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("1825", "Five years")]


class PeriodForm(FilterForm):
    """The last days."""

    period = forms.ChoiceField(label="The last", required=False, choices=PERIODS, initial="90")

    def __init__(self, query: QueryDict) -> None:
        super().__init__({"period": query.get("period") or str(DEFAULT_DAYS)})

    @property
    def days(self) -> int:
        """As chosen; 90 where nothing was, or nonsense."""
        self.is_valid()
        return int(self.cleaned_data.get("period") or DEFAULT_DAYS)

    def to_period(self, *, at: datetime) -> tuple[datetime, datetime]:
        """From and until."""
        return at - timedelta(days=self.days), at
