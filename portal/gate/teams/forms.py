"""Inviting, and making a team a class."""

from __future__ import annotations

from django import forms

from portal.platform.core.forms import FingerprintMixin
from portal.platform.core.page_forms import LastDayField, PageForm


class InviteForm(PageForm):
    """The address to invite."""

    email = forms.EmailField(
        label="Their e-mail address",
        help_text="They join with their own account and sign the licence themselves.",
        error_messages={"required": "Give their address."},
    )


class ClassForm(FingerprintMixin, PageForm):
    """The last day on which the team is a class."""

    ends_on = LastDayField(
        label="The class ends on",
        required=False,
        help_text="The last day, in UTC. Members of a class may use only the playground. "
        "Leave it empty for a team with the same ways of use and end date as yours.",
    )
