"""Log-probabilities of completions: which sample is the best, and how many are named."""

from __future__ import annotations

from inference_workers.contract import TokenLogprobs
from tests.lab.api.conftest import Laboratory, ids_of


async def test_a_long_sample_is_not_worse_for_being_long(laboratory: Laboratory) -> None:
    """-1 for each of four tokens, and -2 for one: the mean decides, and not the sum."""
    (a,) = ids_of("a")
    laboratory.reply = lambda job: ["b", "aaaa"][job.call_index]
    laboratory.look_up = lambda token, width: TokenLogprobs(token, -1.0 if token == a else -2.0, 1)

    reply = await laboratory.ask(prompt="x", n=1, best_of=2, max_tokens=8)

    assert [choice["text"] for choice in reply["choices"]] == ["aaaa"]


async def test_an_echoed_prompt_names_as_many_as_its_text_does(laboratory: Laboratory) -> None:
    """Three are looked up beside its tokens; one, and the token itself, were asked for here."""
    laboratory.reply = lambda job: "x"

    reply = await laboratory.ask(
        prompt=ids_of("ab"), echo=True, logprobs=1, prompt_logprobs=3, max_tokens=1, temperature=0
    )

    choice = reply["choices"][0]
    first, *others = choice["logprobs"]["top_logprobs"]
    assert first is None
    assert [sorted(top) for top in others] == [["b", "c"], ["x", "y"]]
    assert [entry and len(entry) for entry in choice["prompt_logprobs"]] == [None, 3]
