"""The form for an internal remark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from portal.desk.console.forms.filters import ReviewerField, set_reviewers
from portal.gate.access.domain.process.remarks import possible_colleagues
from portal.gate.access.models import Application
from portal.platform.accounts.models import User
from portal.platform.core.page_forms import PageForm


class RemarkForm(PageForm):
    """The text, and the colleague to ask."""

    text = forms.CharField(
        label="Remark",
        max_length=5000,
        help_text="Reviewers and auditors see it here. The applicant is not notified, but gets the "
        "text, without your name, when they download everything about themselves.",
        error_messages={"required": "Enter the remark."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    asked = ReviewerField(
        label="Ask a colleague",
        queryset=User.objects.none(),
        required=False,
        empty_label="No one",
        help_text="The colleague gets a notice with a link.",
    )


def make_remark_form(
    application: Application, viewer: User, data: Mapping[str, Any] | None = None
) -> RemarkForm:
    form = RemarkForm(data, prefix="remark")
    set_reviewers(form, "asked", possible_colleagues(application, asker=viewer))
    return form
