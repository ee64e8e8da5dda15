"""Text is a function of the ids, however they are grouped or interrupted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from inference_workers.contract import FinishReason
from inference_workers.engines.base import Chunk
from inference_workers.engines.scripted import ByteDecoder
from inference_workers.generation.text import CompletionText, DerivedText, Piece, StopWatch
from inference_workers.tokenizer.files import TokenizerCodec

PROMPT = list("prompt 🙂".encode())


def build_byte_level_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["</s>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(["the model writes words", "naïve 🙂"], trainer)
    return tokenizer


TOKENIZER = build_byte_level_tokenizer()


def push_in_groups(
    text: CompletionText, ids: Sequence[int], sizes: Sequence[int]
) -> tuple[str, list[int]]:
    used: list[int] = []
    shown, position = "", 0
    for size in [*sizes, len(ids)]:
        piece = text.push(ids[position : position + size])
        position += size
        shown += piece.text
        used += piece.token_ids
        if piece.stopped:
            return shown, used
    return shown + text.finish(), used


def test_character_split_over_tokens_appears_once_it_is_whole() -> None:
    text = CompletionText(ByteDecoder(), PROMPT, ())

    pieces = [text.push([byte]).text for byte in "é🙂".encode()]

    assert pieces == ["", "é", "", "", "", "🙂"]


def test_unfinished_character_at_the_end_is_left_out() -> None:
    text = CompletionText(ByteDecoder(), PROMPT, ())

    piece = text.push([*b"ok", *"🙂".encode()[:2]])

    assert (piece.text, text.finish()) == ("ok", "")


def test_whole_character_in_one_token_with_an_unfinished_one_is_kept_at_the_end() -> None:
    class TwoBytesDecoder(ByteDecoder):
        def decode(self, token_ids: Sequence[int]) -> str:
            return super().decode([byte for token in token_ids for byte in divmod(token, 256)])

    text = CompletionText(TwoBytesDecoder(), [], ())

    assert (text.push([ord("a") * 256 + 0xF0]).text, text.finish()) == ("", "a")


def test_invalid_bytes_become_replacement_characters_when_text_follows() -> None:
    text = CompletionText(ByteDecoder(), PROMPT, ())

    assert text.push([0xFF, ord("a")]).text == "\N{REPLACEMENT CHARACTER}a"


def test_prompt_that_ends_in_a_replacement_character_is_not_repeated() -> None:
    text = CompletionText(ByteDecoder(), list("x\N{REPLACEMENT CHARACTER}".encode()), ())

    assert text.push(b"yes").text == "yes"


@given(
    ids=st.lists(st.integers(0, TOKENIZER.get_vocab_size() - 1), max_size=60),
    sizes=st.lists(st.integers(1, 7), max_size=12),
    prompt=st.text(max_size=8),
)
def test_text_is_the_tokenizers_own_whatever_the_grouping(
    ids: list[int], sizes: list[int], prompt: str
) -> None:
    decoder = TokenizerCodec(TOKENIZER)
    prompt_ids = TOKENIZER.encode(prompt).ids

    shown, _ = push_in_groups(CompletionText(decoder, prompt_ids, ()), ids, sizes)

    assert shown == decoder.decode(ids).rstrip("\N{REPLACEMENT CHARACTER}")


@given(
    raw=st.text("ab🙂 ", max_size=40),
    stops=st.lists(st.text("ab🙂 ", min_size=1, max_size=4), max_size=3),
    cut=st.integers(0, 60),
)
def test_continued_text_and_ids_equal_the_undisturbed_ones(
    raw: str, stops: list[str], cut: int
) -> None:
    ids = list(raw.encode())
    undisturbed = push_in_groups(CompletionText(ByteDecoder(), PROMPT, stops), ids, [])

    first = CompletionText(ByteDecoder(), PROMPT, stops).push(ids[:cut])
    second = CompletionText(ByteDecoder(), PROMPT, stops)
    replayed = second.push(first.token_ids)
    assert replayed == first
    shown, used = first.text, list(first.token_ids)
    if not first.stopped:
        more, more_ids = push_in_groups(second, ids[cut:], [])
        shown, used = shown + more, used + more_ids

    assert (shown, used) == undisturbed


@pytest.mark.parametrize(
    ("stops", "pieces", "shown"),
    [
        (["END"], ["say ", "E", "N", "D", "!"], "say "),
        (["END"], ["say EN", "ERGY"], "say ENERGY"),
        (["b", "abc"], ["xabc"], "xa"),
        (["bc", "c"], ["abc"], "a"),
        (["c", "bc"], ["abc"], "ab"),
        ([], ["END"], "END"),
        ([""], ["END"], "END"),
    ],
)
def test_stop_strings(stops: list[str], pieces: list[str], shown: str) -> None:
    watch, text = StopWatch(stops), ""
    for piece in pieces:
        part, stopped = watch.push(piece)
        text += part
        if stopped:
            break
    else:
        text += watch.flush()

    assert text == shown


def test_text_that_cannot_begin_a_stop_string_is_not_held_back() -> None:
    watch = StopWatch(["\n\nQ:"])

    assert watch.push("an answer") == ("an answer", False)
    assert watch.push("\n") == ("", False)
    assert watch.push("so") == ("\nso", False)


def test_ids_after_the_stop_string_are_left_out() -> None:
    text = CompletionText(ByteDecoder(), PROMPT, ["b"])

    assert text.push(b"abc") == Piece("a", tuple(b"ab"), stopped=True)


def test_end_of_text_token_counts_but_is_not_text() -> None:
    source = DerivedText(CompletionText(ByteDecoder(), PROMPT, ()))

    piece = source.push(Chunk("", (ord("a"), ord("#")), FinishReason.STOP))

    assert piece == Piece("a", (ord("a"), ord("#")))
