"""What an operator says of an endpoint."""

from __future__ import annotations

from django import forms

from portal.gate.webhooks.enums import CHOSEN_EVENTS


class EndpointForm(forms.Form):
    """An address and what it is told."""

    name = forms.CharField(
        label="Name", max_length=100, help_text="Whose program it is, for example the institution."
    )
    url = forms.URLField(
        label="Address",
        max_length=500,
        assume_scheme="https",
        help_text="A public https address that takes a POST of JSON.",
    )
    domain = forms.CharField(
        label="Only applicants of the domain",
        required=False,
        max_length=253,
        help_text="An institution's own, such as example.org; its subdomains count. "
        "Empty: all applicants.",
    )
    events = forms.MultipleChoiceField(
        label="What it is told",
        choices=CHOSEN_EVENTS,
        initial=[value for value, _ in CHOSEN_EVENTS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one event."},
    )

    use_required_attribute = False
