"""The form for a webhook endpoint."""

from __future__ import annotations

from django import forms

from portal.gate.webhooks.enums import CHOSEN_EVENTS
from portal.platform.core.page_forms import PageForm


class EndpointForm(PageForm):
    """The endpoint's address and its events."""

    name = forms.CharField(
        label="Name", max_length=100, help_text="The program's owner, such as the institution."
    )
    url = forms.URLField(
        label="Address",
        max_length=500,
        assume_scheme="https",
        help_text="A public https address that accepts a POST of JSON.",
    )
    domain = forms.CharField(
        label="Only applicants from this domain",
        required=False,
        max_length=253,
        help_text="The institution's domain, such as example.org. Subdomains are included. "
        "Empty: all applicants.",
    )
    events = forms.MultipleChoiceField(
        label="Events",
        choices=CHOSEN_EVENTS,
        initial=[value for value, _ in CHOSEN_EVENTS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one event."},
    )
