"""The forms of a comparison and of a ladder, with the fields of the playground's form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms

from inference_workers.contract import SamplingParams
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.admission import Run
from portal.lab.jobs.domain.sets import RunOn
from portal.lab.jobs.models import GenerationJob
from portal.lab.playground.forms import DEFAULTS, GenerationForm, initial_from
from portal.lab.playground.summaries import NAMES, summarise_params

COLUMNS_LEAST: Final = 2
COLUMNS_MOST: Final = 4
COLUMN_FIELDS: Final = ("max_tokens", "temperature", "top_p", "top_k", "seed")
FIELDS: Final = GenerationForm.base_fields


def _build_prompt(*, label: str, rows: int, required: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": rows, "spellcheck": "false", "autocomplete": "off"}),
        error_messages={
            "required": required,
            "null_characters_not_allowed": "The text contains a character that is not text.",
        },
    )


class ColumnForm(forms.Form):
    """A model and its parameters; without a model, the column is not used."""

    model = forms.ChoiceField(label="Model", widget=forms.Select(attrs={"class": "input"}))
    max_tokens = FIELDS["max_tokens"]
    temperature = FIELDS["temperature"]
    top_p = FIELDS["top_p"]
    top_k = FIELDS["top_k"]
    seed = FIELDS["seed"]
    clean_top_p = GenerationForm.clean_top_p

    def __init__(self, *args: Any, models: Iterable[HostedModel], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.models = {model.slug: model for model in models}
        choices = [("", "Not used"), *((slug, model.name) for slug, model in self.models.items())]
        self.fields["model"] = forms.ChoiceField(
            label="Model",
            choices=choices,
            widget=forms.Select(attrs={"class": "input"}),
            error_messages={"invalid_choice": "This model is not open to you now. Choose another."},
        )

    @property
    def is_used(self) -> bool:
        return bool(self["model"].value())

    def to_run(self, prompt: str, *, basis: SamplingParams) -> RunOn:
        """The run of a valid column, with those parameters of `basis` that columns lack."""
        values = {name: self.cleaned_data[name] for name in COLUMN_FIELDS}
        sampling = basis.model_copy(update=values)
        return RunOn(self.models[self.cleaned_data["model"]], Run(sampling, prompt))


class ComparisonForm(forms.Form):
    """A prompt for two to four columns."""

    prompt = _build_prompt(label="Prompt", rows=5, required="Write a prompt first.")
    source = forms.UUIDField(required=False, widget=forms.HiddenInput)
    """The run that the form began from."""
    clean_prompt = GenerationForm.clean_prompt

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        models: Sequence[HostedModel],
        source: GenerationJob | None = None,
    ) -> None:
        initial: dict[str, Any] = {"prompt": source.prompt, "source": source.pk} if source else {}
        super().__init__(data, initial=initial)
        params = initial_from(source.params) if source else DEFAULTS
        self.carried = _list_carried(source) if source else []
        chosen = [source.model.slug] * 2 if source else [model.slug for model in models[:2]]
        chosen += chosen[:1] * (COLUMNS_LEAST - len(chosen))
        self.columns = [
            ColumnForm(
                data,
                prefix=f"column{place + 1}",
                models=models,
                initial={**params, "model": chosen[place] if place < len(chosen) else ""},
            )
            for place in range(COLUMNS_MOST)
        ]

    @property
    def used(self) -> list[ColumnForm]:
        return [column for column in self.columns if column.is_used]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if len(self.used) < COLUMNS_LEAST:
            self.add_error(None, f"Choose a model in at least {COLUMNS_LEAST} columns.")
        elif [column for column in self.used if not column.is_valid()]:
            self.add_error(None, "Some fields of the columns have errors. They are marked.")
        return values

    def to_runs(self, source: GenerationJob | None) -> list[RunOn]:
        """One run for each column that is used, with log-probabilities."""
        basis = SamplingParams.model_validate(source.params) if source else _DEFAULT
        if basis.logprobs is None:
            basis = basis.model_copy(update={"logprobs": _DEFAULT.logprobs})
        prompt = self.cleaned_data["prompt"]
        return [column.to_run(prompt, basis=basis) for column in self.used]


def _list_carried(source: GenerationJob) -> list[str]:
    """The parameters that every column takes from the run without showing a field."""
    shown = tuple(f"{NAMES[name]} " for name in COLUMN_FIELDS)
    return [part for part in summarise_params(source.params) if not part.startswith(shown)]


class LadderForm(forms.Form):
    """A prompt, or a context with candidate continuations."""

    prompt = _build_prompt(
        label="Prompt, or the context of the candidates",
        rows=5,
        required="Write a prompt first.",
        help_text="Without candidates, all of this text is measured.",
    )
    candidates = forms.CharField(
        label="Candidate continuations",
        required=False,
        strip=False,
        help_text="One per line, at most 16, each as it follows the context: with its space, if "
        "the context does not end with one. Only the candidates are measured.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
        error_messages={
            "null_characters_not_allowed": "The text contains a character that is not text."
        },
    )
    clean_prompt = GenerationForm.clean_prompt

    def clean_candidates(self) -> list[str]:
        """The lines that are not empty, each once and as typed."""
        lines = self.cleaned_data["candidates"].replace("\r\n", "\n").split("\n")
        return list(dict.fromkeys(filter(None, lines)))


_DEFAULT: Final = SamplingParams.model_validate(
    {
        name: value
        for name, value in DEFAULTS.items()
        if name in {*COLUMN_FIELDS, "logprobs"} and value is not None
    }
)
