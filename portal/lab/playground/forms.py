"""The playground's form: a prompt and the sampling parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from inference_workers.contract import SamplingParams
from portal.lab.jobs.domain.sets import SAMPLES_MOST
from portal.lab.playground.number_fields import number, say_range
from portal.lab.playground.samplers import (
    LARGEST_INTEGER,
    RARE,
    SamplerForm,
    restore_line_breaks,
)
from portal.lab.playground.stops import format_stops, parse_stops
from portal.lab.playground.structures import write_structure
from portal.lab.playground.token_lines import write_biases, write_tokens

DEFAULTS: Final[Mapping[str, object]] = {
    "max_tokens": 128,
    "temperature": 0.7,
    "top_p": 1,
    "top_k": 0,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "stop": "",
    "seed": None,
    "logprobs": 5,
    "prompt_logprobs": "",
    **RARE,
}
MOST_ALTERNATIVES: Final = 20


class SharedFields(dict[str, forms.Field]):
    """Fields that forms share, since none changes them. Django would copy all for each form."""

    def __deepcopy__(self, _: dict[int, Any]) -> SharedFields:
        return SharedFields(self)


class ParametersForm(SamplerForm):
    """The parameters of a run. Values are used as typed, never rounded or clamped."""

    max_tokens = forms.IntegerField(
        label="Max tokens",
        error_messages=say_range("Max tokens", "1"),
        min_value=1,
        max_value=LARGEST_INTEGER,
        help_text="The longest completion you want, at least 1. It shares the context with the "
        "prompt.",
        widget=number(step="1", inputmode="numeric"),
    )
    temperature = forms.FloatField(
        label="Temperature",
        error_messages=say_range("Temperature", "0", "2"),
        min_value=0,
        max_value=2,
        help_text="From 0, which always takes the likeliest token, to 2, the most random.",
        widget=number(inputmode="decimal"),
    )
    top_p = forms.FloatField(
        label="Top-p",
        error_messages=say_range("Top-p", "0", "1"),
        min_value=0,
        max_value=1,
        help_text="Draws only from the likeliest tokens that together reach this probability. "
        "Above 0, at most 1.",
        widget=number(inputmode="decimal"),
    )
    top_k = forms.IntegerField(
        label="Top-k",
        error_messages=say_range("Top-k", "0"),
        min_value=0,
        max_value=LARGEST_INTEGER,
        help_text="Draws only from this many of the likeliest tokens; 0 sets no limit.",
        widget=number(step="1", inputmode="numeric"),
    )
    presence_penalty = forms.FloatField(
        label="Presence penalty",
        error_messages=say_range("Presence penalty", "-2", "2"),
        min_value=-2,
        max_value=2,
        help_text="From -2 to 2. Above 0, a token that has appeared becomes less likely.",
        widget=number(),
    )
    frequency_penalty = forms.FloatField(
        label="Frequency penalty",
        error_messages=say_range("Frequency penalty", "-2", "2"),
        min_value=-2,
        max_value=2,
        help_text="From -2 to 2. Above 0, every repetition makes a token less likely.",
        widget=number(),
    )
    stop = forms.CharField(
        label="Stop sequences",
        required=False,
        strip=False,
        help_text="One per line. The model stops before it writes one; \\n stands for a line "
        "break, \\t for a tab, \\\\ for a backslash.",
        widget=forms.Textarea(attrs={"rows": 1, "spellcheck": "false", "autocomplete": "off"}),
    )
    seed = forms.IntegerField(
        label="Seed",
        error_messages=say_range("Seed", "0"),
        required=False,
        min_value=0,
        max_value=2**63 - 1,
        help_text="The same seed, prompt and parameters repeat a run. Empty for a random seed.",
        widget=number(step="1", inputmode="numeric", placeholder="random"),
    )

    logprobs = forms.IntegerField(
        label="Alternatives",
        error_messages=say_range("Alternatives", "0", str(MOST_ALTERNATIVES)),
        required=False,
        min_value=0,
        max_value=MOST_ALTERNATIVES,
        help_text="How many of the likeliest tokens to show at each position, with their "
        "log-probabilities. Empty for no log-probabilities.",
        widget=number(step="1", inputmode="numeric", placeholder="none"),
    )
    prompt_logprobs = forms.ChoiceField(
        label="Measure",
        choices=[("", "Completion"), ("prompt", "Prompt and completion")],
        required=False,
        help_text="Which tokens get log-probabilities.",
        widget=forms.Select(attrs={"class": "input"}),
    )

    def clean_stop(self) -> tuple[str, ...]:
        return parse_stops(restore_line_breaks(self.cleaned_data["stop"]))

    def clean_top_p(self) -> float:
        value: float = self.cleaned_data["top_p"]
        if value == 0:
            raise ValidationError("Top-p is above 0: at 0 there would be no token to draw.")
        return value

    def clean_prompt_logprobs(self) -> int | None:
        """As many alternatives as for the completion."""
        is_wanted = bool(self.cleaned_data["prompt_logprobs"])
        return self.cleaned_data.get("logprobs") if is_wanted else None

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty"):
            if name in values and not math.isfinite(values[name]):
                self.add_error(name, "Enter a number.")
        if {"min_tokens", "max_tokens"} <= values.keys():
            least, most = values["min_tokens"], values["max_tokens"]
            if least > most:
                self.add_error(
                    "min_tokens", f"Min tokens is {least:,}; it is at most max tokens, {most:,}."
                )
        return values

    def to_sampling(self) -> SamplingParams:
        """The parameters of a valid form."""
        names = SamplingParams.model_fields.keys() & self.cleaned_data.keys()
        return SamplingParams(**{name: self.cleaned_data[name] for name in names})


for _name, _value in DEFAULTS.items():
    ParametersForm.base_fields[_name].initial = _value


class GenerationForm(ParametersForm):
    """The input of a run."""

    prompt = forms.CharField(
        label="Prompt and completion",
        strip=False,
        widget=forms.Textarea(
            # The style sheet shows the examples for as long as the blank placeholder would show.
            attrs={"rows": 14, "spellcheck": "false", "autocomplete": "off", "placeholder": " "}
        ),
        error_messages={
            "required": "Write a prompt first.",
            "null_characters_not_allowed": "The prompt contains a character that is not text.",
        },
    )
    n = forms.IntegerField(
        label="Samples",
        error_messages=say_range("Samples", "1", str(SAMPLES_MOST)),
        required=False,
        initial=1,
        min_value=1,
        max_value=SAMPLES_MOST,
        help_text="How many completions to draw. More than one are shown side by side.",
        widget=number(step="1", inputmode="numeric"),
    )
    only_score = forms.BooleanField(required=False, widget=forms.HiddenInput)
    source = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_source(self) -> UUID | None:
        """The document that the prompt was made from; a wrong id is none."""
        try:
            return UUID(self.cleaned_data["source"])
        except ValueError:
            return None

    def clean_n(self) -> int:
        return self.cleaned_data["n"] or 1

    def clean_prompt(self) -> str:
        return restore_line_breaks(self.cleaned_data["prompt"])

    def to_sampling(self) -> SamplingParams:
        """The parameters of a valid form. With `only_score`, nothing is generated."""
        sampling = super().to_sampling()
        if not self.cleaned_data["only_score"]:
            return sampling
        scored = {"max_tokens": 0, "min_tokens": 0, "prompt_logprobs": sampling.logprobs or 0}
        return sampling.model_copy(update=scored)


for _form in (ParametersForm, GenerationForm):
    _form.base_fields = SharedFields(_form.base_fields)


def initial_from(params: Mapping[str, Any]) -> dict[str, Any]:
    """Initial values that show the parameters of an earlier run."""
    sampling = SamplingParams.model_validate(params)
    values: dict[str, Any] = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in sampling.model_dump(exclude={"v", "structure"}).items()
    }
    kind, structure = write_structure(sampling.structure)
    return {
        **values,
        "max_tokens": sampling.max_tokens or DEFAULTS["max_tokens"],
        "stop": format_stops(sampling.stop),
        "prompt_logprobs": "" if sampling.prompt_logprobs is None else "prompt",
        "ignore_eos": "ignored" if sampling.ignore_eos else "",
        "add_special_tokens": "" if sampling.add_special_tokens else "without",
        "stop_token_ids": write_tokens(sampling.stop_token_ids),
        "allowed_token_ids": write_tokens(sampling.allowed_token_ids),
        "bad_words": format_stops(sampling.bad_words),
        "logit_bias": write_biases(sampling.logit_bias),
        "structure_kind": kind,
        "structure": structure,
    }
