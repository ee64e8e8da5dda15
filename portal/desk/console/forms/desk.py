"""Smaller forms for reviewers: absence, denylist, merging, teams and domains."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from portal.desk.console.forms.filters import ReviewerField, set_reviewers
from portal.gate.access.enums import DenialKind
from portal.platform.accounts.models import User
from portal.platform.core.domain_names import canonical_address
from portal.platform.core.forms import FingerprintMixin
from portal.platform.core.page_forms import LastDayField, PageForm


class AbsenceForm(FingerprintMixin, PageForm):
    """The end of the absence, and the deputy."""

    until = LastDayField(label="Out of office until", help_text="The last day, in UTC.")
    deputy = ReviewerField(
        label="Your claims go to",
        queryset=User.objects.none(),
        required=False,
        empty_label="No one: they are released",
    )

    def __init__(self, *args: Any, deputies: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_reviewers(self, "deputy", deputies)


class DenialForm(PageForm):
    """The person, domain or institution, the reason, and the end date."""

    kind = forms.ChoiceField(label="Kind", choices=DenialKind.choices)
    value = forms.CharField(
        label="Name",
        max_length=254,
        help_text="A person's e-mail address, a domain such as example.org, or an institution.",
        error_messages={"required": "Name the person, the domain or the institution."},
    )
    reason = forms.CharField(
        label="Reason",
        max_length=5000,
        help_text="The person sees this text and can appeal.",
        error_messages={"required": "Enter a reason."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    ends_on = LastDayField(label="Until", help_text="The last day, in UTC.")

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if data.get("kind") == DenialKind.PERSON and data.get("value"):
            person = _find_person(data["value"])
            if person is None:
                self.add_error("value", "No account here has this address.")
            data["person"] = person
        return data


def _find_person(address: str) -> User | None:
    try:
        email = canonical_address(address.strip())
    except ValueError:
        return None
    return User.objects.filter(email__iexact=email).first()


class LiftForm(PageForm):
    """The reason for lifting an entry."""

    note = forms.CharField(
        label="Reason for lifting the entry",
        max_length=2000,
        error_messages={"required": "Enter the reason."},
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class MergeForm(PageForm):
    """The evidence that two accounts belong to one person."""

    reason = forms.CharField(
        label="How you know that this is one person",
        max_length=2000,
        error_messages={"required": "Explain how you know."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ExpelForm(PageForm):
    """The reason for removing a member from a team."""

    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        help_text="The member and the team's lead see this text.",
        error_messages={"required": "Enter a reason. The member will see it."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class DomainForm(PageForm):
    """The reason for declining or withdrawing an authorised domain."""

    note = forms.CharField(
        label="Reason",
        required=False,
        max_length=2000,
        help_text="Needed to decline or withdraw it. Other reviewers see it.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
