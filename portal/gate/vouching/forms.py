"""The forms that name a voucher, and that answer."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.gate.vouching.domain.answers import LONGEST_TEXT
from portal.gate.vouching.enums import Answer, VouchKind
from portal.platform.core.forms import FingerprintMixin
from portal.platform.core.page_forms import PageForm

HELP = {
    VouchKind.REFEREE: "An address at their institution carries more weight than others.",
    VouchKind.OFFICIAL: "Their address at the institution, not at a mail service.",
}


class NameForm(FingerprintMixin, PageForm):
    """The person to ask."""

    name = forms.CharField(
        label="Their name", max_length=200, error_messages={"required": "Give their name."}
    )
    email = forms.EmailField(
        label="Their e-mail address", error_messages={"required": "Give their address."}
    )
    institution = forms.CharField(
        label="Where they work",
        max_length=200,
        error_messages={"required": "Say where they work."},
    )

    def __init__(self, *args: Any, kind: VouchKind, **kwargs: Any) -> None:
        kwargs["prefix"] = kind
        super().__init__(*args, **kwargs)
        self.fields["email"].help_text = HELP[kind]


class AnswerForm(PageForm):
    """A voucher's answer about an applicant."""

    answer = forms.ChoiceField(
        label="Your answer",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one."},
    )
    text = forms.CharField(
        label="What reviewers should know",
        required=False,
        max_length=LONGEST_TEXT,
        help_text="Reviewers read it, word for word. The applicant does not.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    domain = forms.BooleanField(required=False)

    def __init__(
        self, *args: Any, kind: VouchKind, applicant: str, domain: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["answer"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- for mypy
        field.choices = _choices(kind, applicant)
        if domain:
            self.fields["domain"].label = f"This applies to everybody at {domain}, for a year"
            self.fields["domain"].help_text = (
                "Later applicants with a confirmed address there do not need to ask you. A "
                "reviewer confirms this once. You can withdraw it by this link."
            )
        else:
            del self.fields["domain"]


def _choices(kind: VouchKind, applicant: str) -> list[tuple[str, str]]:
    if kind == VouchKind.OFFICIAL:
        confirm = f"The institution stands behind {applicant} and what they apply for"
    else:
        confirm = f"I know {applicant} and their work, and confirm what they say about it"
    return [
        (Answer.CONFIRM, confirm),
        (Answer.CANNOT_CONFIRM, "I cannot confirm this"),
        (Answer.NOT_ME, "I am not the person who was named, or do not know the applicant"),
    ]
