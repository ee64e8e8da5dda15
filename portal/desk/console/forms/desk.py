"""Forms of a reviewer's desk: absence, and the denylist."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.db.models import QuerySet

from portal.desk.console.forms.decisions import LAST_MINUTE
from portal.desk.console.forms.filters import ReviewerField, set_reviewers
from portal.gate.access.enums import DenialKind
from portal.platform.accounts.models import User
from portal.platform.core.domain_names import canonical_address
from portal.platform.core.forms import DayField, FingerprintMixin


class AbsenceForm(FingerprintMixin, forms.Form):
    """Until when, and who stands in."""

    until = DayField(
        label="Out of office until",
        help_text="The last day, in UTC.",
    )
    deputy = ReviewerField(
        label="Your claims go to",
        queryset=User.objects.none(),
        required=False,
        empty_label="Nobody: they are free again",
    )

    use_required_attribute = False

    def __init__(self, *args: Any, deputies: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_reviewers(self, "deputy", deputies)

    def ends_at(self) -> datetime:
        return datetime.combine(self.cleaned_data["until"], LAST_MINUTE, tzinfo=UTC)


class DenialForm(forms.Form):
    """Whom, why, until when."""

    kind = forms.ChoiceField(label="Who", choices=DenialKind.choices)
    value = forms.CharField(
        label="Name it",
        max_length=254,
        help_text="A person's e-mail address, a domain such as example.org, or an institution.",
        error_messages={"required": "Name the person, the domain or the institution."},
    )
    reason = forms.CharField(
        label="Reason",
        max_length=5000,
        help_text="The person reads this, word for word, and may appeal.",
        error_messages={"required": "Say why."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    ends_on = DayField(
        label="Until",
        help_text="The last day, in UTC.",
    )

    use_required_attribute = False

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if data.get("kind") == DenialKind.PERSON and data.get("value"):
            person = _find_person(data["value"])
            if person is None:
                self.add_error("value", "Nobody here has this address.")
            data["person"] = person
        return data

    def ends_at(self) -> datetime:
        return datetime.combine(self.cleaned_data["ends_on"], LAST_MINUTE, tzinfo=UTC)


def _find_person(address: str) -> User | None:
    try:
        email = canonical_address(address.strip())
    except ValueError:
        return None
    return User.objects.filter(email__iexact=email).first()


class LiftForm(forms.Form):
    """Why an entry is lifted."""

    note = forms.CharField(
        label="Why it is lifted",
        max_length=2000,
        error_messages={"required": "Say why it is lifted."},
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    use_required_attribute = False


class MergeForm(forms.Form):
    """How one knows that two accounts are one person's."""

    reason = forms.CharField(
        label="How you know",
        max_length=2000,
        error_messages={"required": "Say how you know."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    use_required_attribute = False


class ExpelForm(forms.Form):
    """Why somebody is removed from a team."""

    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        help_text="They and their lead read it, word for word.",
        error_messages={"required": "Say why. They will read it."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    use_required_attribute = False


class DomainForm(forms.Form):
    """Why an official's word for a whole domain does not count."""

    note = forms.CharField(
        label="Why not",
        required=False,
        max_length=2000,
        help_text="To decline or to withdraw it. Reviewers read it.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    use_required_attribute = False
