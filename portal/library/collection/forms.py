"""The search of the library."""

from __future__ import annotations

from typing import Final

from django import forms

LONGEST_SEARCH: Final = 200


class SearchForm(forms.Form):
    """Words, as a search engine reads them: “exact words”, or, and -not."""

    words = forms.CharField(
        label="Words",
        max_length=LONGEST_SEARCH,
        widget=forms.TextInput(attrs={"type": "search", "class": "input", "autocomplete": "off"}),
        error_messages={
            "max_length": "A search has at most %(limit_value)d characters.",
            "required": "Type the words to search for.",
        },
    )
