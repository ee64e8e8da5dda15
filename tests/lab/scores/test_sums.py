"""Sums, means and which is best, calculated by hand from the log-probabilities of tokens."""

from __future__ import annotations

import pytest

from inference_workers.contract import Scored as ScoredEvent
from inference_workers.contract import TokenLogprobs
from portal.lab.completions.domain.document_start import ChosenBy, DocumentStart
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.token_text import TokenTexts
from portal.lab.scoring.domain.scores import Scored, ScorePlan, write_scores
from portal.lab.scoring.domain.tokens import Pair

TEXTS = TokenTexts(None)
CONTEXT = DocumentStart((5, 6), ChosenBy.REQUEST)


def ran(pair: Pair, *entries: tuple[float, int | None]) -> Completion:
    """What the engine says of each token but the first."""
    known = [
        TokenLogprobs(token, logprob, rank)
        for token, (logprob, rank) in zip(pair.token_ids[1:], entries, strict=True)
    ]
    return Completion(scored=ScoredEvent(token_ids=pair.token_ids, logprobs=(None, *known)))


LONG = Pair((5, 6, 7, 8, 9), 2)
SHORT = Pair((5, 4, 10), 2, is_joined=True)
RUNS = [
    ran(LONG, (-9.0, 1), (-0.5, 1), (-0.25, 1), (-0.75, 1)),
    ran(SHORT, (-9.0, 1), (-1.0, 2)),
]


def test_a_continuation_is_what_comes_after_its_context() -> None:
    plan = ScorePlan((Scored(CONTEXT, (LONG, SHORT)),), runs=())

    assert write_scores(plan, RUNS, texts=TEXTS) == [
        {
            "index": 0,
            "context": {
                "token_ids": [5, 6],
                "tokens": ["token_id:5", "token_id:6"],
                "chosen_by": "request",
            },
            "continuations": [
                {
                    "logprob_sum": -1.5,
                    "logprob_mean": -0.5,
                    "is_greedy": True,
                    "ranks": [1, 1, 1],
                    "token_ids": [7, 8, 9],
                    "tokens": ["token_id:7", "token_id:8", "token_id:9"],
                    "token_logprobs": [-0.5, -0.25, -0.75],
                    "context_tokens": 2,
                    "context_token_ids": None,
                    "boundary_within_token": False,
                },
                {
                    "logprob_sum": -1.0,
                    "logprob_mean": -1.0,
                    "is_greedy": False,
                    "ranks": [2],
                    "token_ids": [10],
                    "tokens": ["token_id:10"],
                    "token_logprobs": [-1.0],
                    "context_tokens": 2,
                    "context_token_ids": [5, 4],
                    "boundary_within_token": True,
                },
            ],
            # The longer one is likelier by token, and less likely as a whole.
            "best_by_sum": 1,
            "best_by_mean": 0,
        }
    ]


def test_items_are_numbered_and_each_has_its_own_runs() -> None:
    plan = ScorePlan((Scored(CONTEXT, (LONG,)), Scored(CONTEXT, (SHORT,))), runs=())

    items = write_scores(plan, RUNS, texts=TEXTS)

    assert plan.pairs == [LONG, SHORT]
    assert [item["index"] for item in items] == [0, 1]
    assert [[each["logprob_sum"] for each in item["continuations"]] for item in items] == [
        [-1.5], [-1.0]
    ]  # fmt: skip


def test_one_token_that_is_not_the_likeliest_ends_greed_and_no_rank_is_no_first() -> None:
    plan = ScorePlan((Scored(CONTEXT, (LONG, LONG)),), runs=())
    runs = [
        ran(LONG, (-9.0, 1), (-0.5, 1), (-0.25, 2), (-0.75, 1)),
        ran(LONG, (-9.0, 1), (-0.5, None), (-0.25, None), (-0.75, None)),
    ]

    (item,) = write_scores(plan, runs, texts=TEXTS)

    assert [each["is_greedy"] for each in item["continuations"]] == [False, False]
    assert [each["ranks"] for each in item["continuations"]] == [[1, 2, 1], [None] * 3]
    # Of equal ones the first is the best.
    assert (item["best_by_sum"], item["best_by_mean"]) == (0, 0)


def test_sums_are_exact_to_the_last_digit() -> None:
    pair = Pair(tuple(range(11)), 1)
    plan = ScorePlan((Scored(CONTEXT, (pair,)),), runs=())

    (item,) = write_scores(plan, [ran(pair, *[(-0.1, 1)] * 10)], texts=TEXTS)

    assert item["continuations"][0]["logprob_sum"] == -1.0


def test_a_run_without_scores_is_a_fault_of_ours() -> None:
    plan = ScorePlan((Scored(CONTEXT, (LONG,)),), runs=())

    with pytest.raises(ValueError, match=r"^a scoring run has no scores$"):
        write_scores(plan, [Completion()], texts=TEXTS)
