"""A text, or candidate continuations, over models of growing size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from portal.gate.catalog.models import HostedModel
from portal.lab.comparison.domain.scores import Score, find_preferred, score_run
from portal.lab.jobs.models import GenerationJob
from portal.lab.playground.presentation import describe_end


@dataclass(frozen=True)
class Cell:
    """One continuation on one model."""

    job: GenerationJob | None
    score: Score | None

    @property
    def message(self) -> str:
        """Why there is no score, if that is known."""
        if self.job is None or self.job.is_active or self.score:
            return ""
        return "" if self.job.state == "succeeded" else describe_end(self.job)


@dataclass(frozen=True)
class Rung:
    """One model's cells, in the order of the continuations."""

    model: HostedModel
    cells: list[Cell]
    by_sum: int | None
    """The place of the continuation that the model prefers; None unless all are known."""
    by_byte: int | None


@dataclass(frozen=True)
class Ladder:
    """The continuations of a context on every model, the smallest first."""

    context: str
    continuations: list[str]
    rungs: list[Rung]

    @property
    def has_candidates(self) -> bool:
        return bool(self.context) or len(self.continuations) > 1

    @property
    def labels(self) -> list[str]:
        """The continuations, with their blanks at either end visible."""
        return [_label(text) for text in self.continuations]

    @property
    def is_joined(self) -> bool:
        """Whether context and candidate meet within a token on any rung."""
        cells = (cell for rung in self.rungs for cell in rung.cells)
        return any(cell.score is not None and cell.score.is_joined for cell in cells)


def read_ladder(runs: Sequence[GenerationJob], *, context_length: int) -> Ladder | None:
    """The ladder of these runs, whose prompts begin with a context of so many characters.

    Runs that have another context are left out; None if there is none that fits.
    """
    context = runs[0].prompt[:context_length] if runs else ""
    fitting = [
        run
        for run in runs
        if run.params.get("prompt_logprobs") is not None
        and run.prompt.startswith(context)
        and len(run.prompt) > context_length
    ]
    if not fitting:
        return None
    cells = {
        (run.model, run.prompt[context_length:]): Cell(run, score_run(run, context=context))
        for run in fitting
    }
    continuations = list(dict.fromkeys(continuation for _, continuation in cells))
    models = sorted({model for model, _ in cells}, key=attrgetter("parameters", "slug"))
    return Ladder(
        context,
        continuations,
        [
            _climb(model, [cells.get((model, text), Cell(None, None)) for text in continuations])
            for model in models
        ],
    )


def _label(text: str) -> str:
    rest = text.lstrip(" ")
    core = rest.rstrip(" ")
    return "·" * (len(text) - len(rest)) + core + "·" * (len(rest) - len(core))


def _climb(model: HostedModel, cells: list[Cell]) -> Rung:
    scores = [cell.score for cell in cells]
    return Rung(
        model,
        cells,
        by_sum=find_preferred(scores, attrgetter("total")),
        by_byte=find_preferred(scores, attrgetter("per_byte")),
    )
