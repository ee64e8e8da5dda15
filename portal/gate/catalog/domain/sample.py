"""The sample run of a release as its visitors see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp
from typing import Final

from portal.gate.catalog.models import HostedModel, Release
from portal.gate.catalog.sample_run import SampleReceipt, Token
from portal.platform.core.visible_text import show_blanks

BOUNDS: Final = (0.9, 0.5, 0.25, 0.1)
"""Of a token's probability: below each begins the next step of its shade."""


@dataclass(frozen=True)
class SampleChoice:
    """A token that the model considered, with visible blanks."""

    label: str
    probability: float
    is_chosen: bool

    @property
    def percent(self) -> str:
        return write_percent(self.probability)


@dataclass(frozen=True)
class SampleToken:
    """A generated token, with a shade from 1, where the model was sure, to 5."""

    text: str
    label: str
    probability: float
    rank: int | None
    choices: Sequence[SampleChoice]

    @property
    def percent(self) -> str:
        return write_percent(self.probability)

    @property
    def shade(self) -> int:
        return 1 + sum(self.probability < bound for bound in BOUNDS)

    @property
    def rest(self) -> str:
        """The probability of all tokens that are not listed."""
        return write_percent(max(0.0, 1 - sum(choice.probability for choice in self.choices)))


@dataclass(frozen=True)
class SampleView:
    """A sample run with its model; `surprise` is the token that the model found least probable."""

    model: HostedModel
    run: SampleReceipt
    tokens: Sequence[SampleToken]

    @property
    def surprise(self) -> SampleToken:
        return min(self.tokens, key=lambda token: token.probability)

    @property
    def sampling(self) -> list[str]:
        return [f"{name.replace('_', ' ')} {value}" for name, value in self.run.sampling.items()]


def find_sample(releases: Sequence[Release]) -> SampleView | None:
    """The sample run of the first of these releases that has one, and whose model it still has.

    The releases have `sample_run` and `models` loaded.
    """
    for release in releases:
        stored = getattr(release, "sample_run", None)
        if stored is None:
            continue
        run = SampleReceipt.model_validate(stored.content)
        model = next((model for model in release.models.all() if model.slug == run.model), None)
        if model is not None:
            return SampleView(model, run, [_describe(token) for token in run.tokens])
    return None


def write_percent(probability: float) -> str:
    """As the playground writes it: "61.30 %", or "4.1e-7 %" where digits would be lost."""
    percent = probability * 100
    if percent == 0 or percent >= 0.01:
        return f"{percent:.2f} %" if percent else "0 %"
    mantissa, _, exponent = f"{percent:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)} %"


def _describe(token: Token) -> SampleToken:
    choices = list(_list_choices(token))
    label = next((choice.label for choice in choices if choice.is_chosen), "")
    return SampleToken(token.text, label, exp(token.logprob), token.rank, choices)


def _list_choices(token: Token) -> Iterator[SampleChoice]:
    for choice in token.top:
        yield SampleChoice(_label(choice.text), exp(choice.logprob), choice.id == token.id)
    if all(choice.id != token.id for choice in token.top):
        yield SampleChoice(_label(token.text), exp(token.logprob), is_chosen=True)


def _label(text: str) -> str:
    return show_blanks(text) or "(empty)"
