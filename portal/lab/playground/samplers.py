"""The model of a run, and its samplers that are rarely used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from portal.gate.catalog.models import HostedModel
from portal.lab.completions.wire import BAD_WORDS_MOST
from portal.lab.playground.number_fields import number, say_range
from portal.lab.playground.stops import parse_stops
from portal.lab.playground.structures import KINDS, read_structure
from portal.lab.playground.token_lines import read_biases, read_tokens

RARE: Final[Mapping[str, object]] = {
    "min_p": 0,
    "repetition_penalty": 1,
    "min_tokens": 0,
    "ignore_eos": "",
    "stop_token_ids": "",
    "bad_words": "",
    "logit_bias": "",
    "allowed_token_ids": "",
    "structure_kind": "",
    "structure": "",
    "add_special_tokens": "",
}
"""Samplers that are folded away, with the values that have no effect."""
LARGEST_INTEGER: Final = 2**31 - 1
_TOKENS: Final[Mapping[str, Callable[..., object]]] = {
    "logit_bias": read_biases,
    "stop_token_ids": read_tokens,
    "allowed_token_ids": read_tokens,
}


def restore_line_breaks(text: str) -> str:
    """Browsers send line breaks as CRLF; the model gets them as typed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _lines(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        strip=False,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 1, "spellcheck": "false", "autocomplete": "off"}),
        error_messages={
            "null_characters_not_allowed": f"{label}: this contains a character that is not text."
        },
    )


def _choice(label: str, choices: Iterable[tuple[str, str]], help_text: str) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=list(choices),
        required=False,
        help_text=help_text,
        widget=forms.Select(attrs={"class": "input"}),
        error_messages={"invalid_choice": "Choose one of the list."},
    )


class SamplerForm(forms.Form):
    """An empty field has no effect."""

    model = forms.ChoiceField(label="Model")
    min_p = forms.FloatField(
        label="Min-p",
        error_messages=say_range("Min-p", "0", "1"),
        required=False,
        min_value=0,
        max_value=1,
        help_text="Excludes tokens less likely than this share of the likeliest token; 0 excludes "
        "none.",
        widget=number(inputmode="decimal"),
    )
    repetition_penalty = forms.FloatField(
        label="Repetition penalty",
        error_messages=say_range("Repetition penalty", "0", "2"),
        required=False,
        min_value=0,
        max_value=2,
        help_text="Above 1, tokens of the prompt and the completion become less likely.",
        widget=number(inputmode="decimal"),
    )
    min_tokens = forms.IntegerField(
        label="Min tokens",
        error_messages=say_range("Min tokens", "0"),
        required=False,
        min_value=0,
        max_value=LARGEST_INTEGER,
        help_text="The completion does not end before this many tokens.",
        widget=number(step="1", inputmode="numeric"),
    )
    ignore_eos = _choice(
        "End of text",
        [("", "Ends the run"), ("ignored", "Is ignored")],
        "Whether the run continues after the token that ends a text.",
    )
    add_special_tokens = _choice(
        "Beginning token",
        [("", "As the tokenizer has it"), ("without", "Left out")],
        "Whether the prompt gets the token with which the model's texts begin.",
    )
    logit_bias = _lines(
        "Logit bias",
        "One token a line, with what is added to its logit, from -100 to 100: id 50118: -5, or a "
        'text that is one token: " Paris": 2.',
    )
    stop_token_ids = _lines(
        "Stop tokens", 'The run ends at any of these tokens. One a line: id 50118 or " Paris".'
    )
    allowed_token_ids = _lines(
        "Allowed tokens",
        'Draws from these tokens only. One a line: id 50118 or " Paris". Empty for all.',
    )
    bad_words = _lines("Bad words", "Texts that are never written. One a line, with \\n and \\t.")
    structure_kind = _choice(
        "Structure", KINDS, "What form the completion must have. The text below says it exactly."
    )
    structure = _lines(
        "Description of the structure",
        "A regular expression for the whole completion, texts to choose from (one a line), or a "
        "JSON schema.",
    )

    def __init__(
        self, *args: Any, models: Iterable[HostedModel], person: int = 0, **kwargs: Any
    ) -> None:
        """`person` is whose structure is checked; a form that is only shown needs none."""
        super().__init__(*args, **kwargs)
        self._models = {model.slug: model for model in models}
        self._person = person
        choices = [(model.slug, model.name) for model in self._models.values()]
        self.fields["model"] = forms.ChoiceField(label="Model", choices=choices)

    @property
    def has_rare_values(self) -> bool:
        """Whether something that is folded away differs from its default or has an error."""
        return any(
            self[name].errors or str(self[name].value() or default) != str(default)
            for name, default in RARE.items()
            if name in self.fields
        )

    def clean_repetition_penalty(self) -> float | None:
        value: float | None = self.cleaned_data["repetition_penalty"]
        if value == 0:
            raise ValidationError("Repetition penalty is above 0; 1 has no effect.")
        return value

    def clean_ignore_eos(self) -> bool:
        return bool(self.cleaned_data["ignore_eos"])

    def clean_add_special_tokens(self) -> bool:
        return not self.cleaned_data["add_special_tokens"]

    def clean_bad_words(self) -> tuple[str, ...]:
        words = parse_stops(restore_line_breaks(self.cleaned_data["bad_words"]))
        if any(not word.strip() for word in words):
            raise ValidationError("One of the bad words is blank. Remove its line.")
        if len(words) > BAD_WORDS_MOST:
            raise ValidationError(
                f"These are {len(words):,} bad words; the limit is {BAD_WORDS_MOST}."
            )
        return words

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in ("min_p", "repetition_penalty", "min_tokens"):
            if values.get(name, 0) is None:
                values[name] = RARE[name]
        if (model := self._models.get(values.get("model", ""))) is not None:
            for name, read in _TOKENS.items():
                self._read(name, partial(read, deployment=model.deployment))
        kind = values.get("structure_kind", "")
        self._read(
            "structure",
            lambda typed: read_structure(kind, restore_line_breaks(typed), person=self._person),
        )
        return values

    def _read(self, name: str, read: Callable[[str], object]) -> None:
        """Replace what was typed by what it means, or add the error to the field."""
        if name not in self.cleaned_data:
            return
        try:
            self.cleaned_data[name] = read(self.cleaned_data[name])
        except ValidationError as error:
            self.add_error(name, error)
