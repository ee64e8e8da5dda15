"""The form that selects a part of a logbook; its values are in the page's address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from portal.library.logbook.domain.clock import HIGHEST, LOWEST, Clock, Span
from portal.library.logbook.domain.entries import EntryFilter
from portal.library.logbook.enums import Axis, EntryKind
from portal.library.logbook.metric_files.readings import read_count, read_time

LONGEST_SEARCH: Final = 200
LONGEST_END: Final = 40
READERS: Final = {Axis.STEP: read_count, Axis.TOKENS: read_count, Axis.TIME: read_time}
TEXT: Final = {
    "null_characters_not_allowed": "The text contains a character that is not text.",
    "max_length": "A search has at most %(limit_value)d characters.",
}


def _build_end(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=LONGEST_END,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "size": 12}),
        error_messages=TEXT | {"max_length": f"{label} is too long for a place on the axis."},
    )


class LogbookForm(forms.Form):
    """Empty fields exclude nothing. The ends of the range are places on the chosen axis."""

    words = forms.CharField(
        label="Text of the entries",
        required=False,
        max_length=LONGEST_SEARCH,
        widget=forms.TextInput(attrs={"type": "search", "class": "input", "autocomplete": "off"}),
        error_messages=TEXT,
    )
    x = forms.ChoiceField(
        label="Over",
        required=False,
        widget=forms.Select(attrs={"class": "input"}),
        error_messages={"invalid_choice": "Over is one of the axes in the list."},
    )
    start = _build_end("From")
    end = _build_end("To")
    kind = forms.MultipleChoiceField(
        label="Kinds",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose kinds from the list."},
    )

    def __init__(
        self, data: Mapping[str, Any], *, clock: Clock, kinds: Mapping[EntryKind, int]
    ) -> None:
        """The axes are those of the clock; without metrics, it is time alone."""
        super().__init__(data)
        axes = [axis for axis in Axis if axis in clock.axes] or [Axis.TIME]
        self.default_axis = axes[0]
        self.initial["x"] = self.default_axis
        self.fields["x"].choices = [(axis, axis.label) for axis in axes]  # type: ignore[attr-defined]
        self.fields["kind"].choices = [  # type: ignore[attr-defined]
            (kind, f"{kind.label} ({count:,})") for kind, count in kinds.items()
        ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        axis = Axis(values.get("x") or self.default_axis)
        ends = {name: self._read_end(name, axis) for name in ("start", "end")}
        if None not in ends.values() and ends["start"] > ends["end"]:  # type: ignore[operator]
            self.add_error("end", "To is not before From.")
        return {**values, **ends, "x": axis}

    def _read_end(self, name: str, axis: Axis) -> int | None:
        text = str(self.cleaned_data.get(name, ""))
        try:
            return READERS[axis](text) if text else None
        except ValueError as error:
            self.add_error(name, f"{self.fields[name].label} {error}.")
            return None

    def to_filter(self) -> EntryFilter:
        """What the form asks for; nothing is excluded if it has errors."""
        if not self.is_valid():
            return EntryFilter(self.default_axis)
        start, end = self.cleaned_data["start"], self.cleaned_data["end"]
        span = None
        if start is not None or end is not None:
            span = Span(LOWEST if start is None else start, HIGHEST if end is None else end)
        return EntryFilter(
            self.cleaned_data["x"], span, self.cleaned_data["kind"], self.cleaned_data["words"]
        )
