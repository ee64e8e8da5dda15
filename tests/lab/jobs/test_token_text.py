"""The site cuts a text into tokens' pieces where the workers do."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models

from inference_workers.generation.text import CompletionText
from inference_workers.tokenizer.files import TokenizerCodec
from portal.lab.jobs.domain.token_text import TokenTexts

SPACE, HALF, REST = "Ġ", "ðŁ", "ĻĤ"
"""Bytes as byte-level tokenizers spell them: a space, and the halves of a smiling face."""
VOCABULARY = {"</s>": 0, "a": 1, SPACE: 2, SPACE + HALF: 3, HALF: 4, REST: 5}


@pytest.fixture
def tokenizer() -> Tokenizer:
    """With a token that is a whole character and the beginning of another."""
    tokenizer = Tokenizer(models.BPE(vocab=VOCABULARY, merges=[]))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["</s>"])
    return tokenizer


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([0, 1], "a"),
        ([1, 3, 5], "a 🙂"),
        ([1, 3], "a "),
        ([1, 2, 4], "a "),
        ([1, 4], "a"),
        ([1, 4, 1], "a\N{REPLACEMENT CHARACTER}a"),
        ([1, 0], "a"),
    ],
)
def test_a_text_is_the_same_on_both_sides_of_the_wire(
    tokenizer: Tokenizer, ids: list[int], text: str
) -> None:
    completion = CompletionText(TokenizerCodec(tokenizer), [], ())

    assert completion.push(ids).text + completion.finish() == text
    assert TokenTexts(tokenizer).decode(ids) == text


def test_each_token_gets_what_it_completes(tokenizer: Tokenizer) -> None:
    pieces = TokenTexts(tokenizer).pieces()

    assert pieces.feed([0, 1, 3]) == ["", "a", ""]
    assert pieces.feed([5, 1, 3]) == [" 🙂", "a", ""]
    assert pieces.finish() == " "


def test_without_a_tokenizer_tokens_are_named() -> None:
    texts = TokenTexts(None)

    assert texts.decode([7, 8]) == "token_id:7token_id:8"
    assert texts.text_of(7) == "token_id:7"
