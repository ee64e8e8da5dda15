"""The filter of the audit log."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from django import forms

from portal.desk.console.forms.filters import FilterForm
from portal.platform.audit.domain.search import EventFilter
from portal.platform.audit.enums import AuditTag
from portal.platform.core.forms import DayField

SUBJECT = r"^[a-z-]+(:[A-Za-z0-9-]*)?$"


class AuditFilterForm(FilterForm):
    """The filter fields of the log."""

    actor = forms.IntegerField(label="Person number", required=False, min_value=1)
    # An address or a name does not match: every search is itself recorded forever.
    subject = forms.RegexField(
        SUBJECT,
        label="Subject",
        required=False,
        max_length=128,
        help_text="Such as job: or grant:7",
    )
    tag = forms.ChoiceField(
        label="Event",
        required=False,
        choices=[("", "All"), *((tag.value, tag.value) for tag in AuditTag)],
    )
    since = DayField(label="From", required=False)
    until = DayField(label="Until", required=False)

    def to_filter(self) -> EventFilter:
        """The chosen filter; both days are whole days in UTC."""
        self.is_valid()
        values = self.cleaned_data
        until = values.get("until")
        return EventFilter(
            actor_id=values.get("actor"),
            subject=values.get("subject") or "",
            tag=values.get("tag") or "",
            since=_midnight(values.get("since")),
            until=_midnight(until + timedelta(days=1) if until else None),
        )


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min, tzinfo=UTC) if day else None
