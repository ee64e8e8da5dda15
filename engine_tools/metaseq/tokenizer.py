"""OPT's tokenizer for transformers and vLLM, made from the files beside the checkpoint.

Facts and their sources: `gpt2-vocab.json` and `gpt2-merges.txt` (projects/OPT/assets) are a
byte-level BPE whose ids are the model's, with `<s>`, `<pad>`, `</s>`, `<unk>` as 0 to 3
(metaseq/tasks/streaming_language_modeling.py). `dict.txt` lists the tokens after those four, one
`SYMBOL COUNT` per line; a symbol is a token, or its id as metaseq's encoder prints it
(metaseq/data/dictionary.py, metaseq/data/encoders/hf_byte_bpe.py). The embedding has a few more
rows than there are tokens, up to a multiple of 8, as `madeupword0000` and so on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine_tools.metaseq.errors import UnsupportedCheckpointError
from engine_tools.metaseq.journal import write_text

VOCAB, MERGES, DICTIONARY = "gpt2-vocab.json", "gpt2-merges.txt", "dict.txt"
SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")
BEGINNING = "</s>"
FILLER = "madeupword"
MOST_FILLERS = 1024
SOURCE_OF_FILES = "take it from projects/OPT/assets of the metaseq repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerFiles:
    """The contents of the tokenizer's files, which agree with each other."""

    vocab: Mapping[str, int]
    merges: tuple[tuple[str, str], ...]
    folder: Path
    dictionary_lines: int
    """0 if there is no `dict.txt`."""


def read_tokenizer(folder: Path) -> TokenizerFiles:
    """Read and compare the three files; `dict.txt` is optional.

    Raises `UnsupportedCheckpointError` naming the file, and the line of `dict.txt` that differs.
    """
    vocab = _read_vocab(folder / VOCAB)
    merges = _read_merges(folder / MERGES, vocab)
    path = folder / DICTIONARY
    lines = _compare_dictionary(path, vocab) if path.is_file() else 0
    return TokenizerFiles(vocab=vocab, merges=merges, folder=folder, dictionary_lines=lines)


def refuse_other_vocabulary(files: TokenizerFiles, *, vocab_size: int) -> None:
    """Raise `UnsupportedCheckpointError` if tokens lack a row, or too many rows lack a token."""
    tokens = len(files.vocab)
    if not tokens <= vocab_size < tokens + MOST_FILLERS:
        raise UnsupportedCheckpointError(
            f"{files.folder / VOCAB}: has {tokens} tokens, but the model has {vocab_size}; "
            f"{SOURCE_OF_FILES}"
        )
    if files.dictionary_lines + len(SPECIAL_TOKENS) > vocab_size:
        raise UnsupportedCheckpointError(
            f"{files.folder / DICTIONARY}: has {files.dictionary_lines} lines, too many for a "
            f"model of {vocab_size} tokens; {SOURCE_OF_FILES}"
        )


def write_tokenizer(folder: Path, files: TokenizerFiles) -> None:
    """Write `tokenizer.json`, `vocab.json`, `merges.txt` and their configuration."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.BPE(vocab=dict(files.vocab), merges=list(files.merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGINNING} $A", special_tokens=[(BEGINNING, files.vocab[BEGINNING])]
    )
    roles = {
        "bos_token": BEGINNING,
        "eos_token": BEGINNING,
        "unk_token": BEGINNING,
        "pad_token": "<pad>",
    }
    config = {
        **roles,
        "tokenizer_class": "GPT2Tokenizer",
        "add_bos_token": True,
        "add_prefix_space": False,
        "errors": "replace",
    }
    write_text(folder / "tokenizer.json", tokenizer.to_str())
    write_text(folder / "vocab.json", json.dumps(files.vocab, ensure_ascii=False))
    merges = "".join(f"{left} {right}\n" for left, right in files.merges)
    write_text(folder / "merges.txt", f"#version: 0.2\n{merges}")
    write_text(folder / "special_tokens_map.json", json.dumps(roles, indent=1) + "\n")
    write_text(folder / "tokenizer_config.json", json.dumps(config, indent=1) + "\n")


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnsupportedCheckpointError(
            f"{path}: is missing; {SOURCE_OF_FILES}, put all three files into one folder and "
            "name it with --tokenizer"
        ) from None
    except UnicodeDecodeError:
        raise UnsupportedCheckpointError(f"{path}: is not text; {SOURCE_OF_FILES}") from None


def _read_vocab(path: Path) -> dict[str, int]:
    try:
        vocab = json.loads(_read_text(path))
    except ValueError:
        raise UnsupportedCheckpointError(f"{path}: is not JSON; {SOURCE_OF_FILES}") from None
    if not isinstance(vocab, dict) or sorted(vocab.values()) != list(range(len(vocab))):
        raise UnsupportedCheckpointError(
            f"{path}: does not give each token one id; {SOURCE_OF_FILES}"
        )
    for number, token in enumerate(SPECIAL_TOKENS):
        if vocab.get(token) != number:
            raise UnsupportedCheckpointError(
                f"{path}: {token} is not {number}, so this is another model's vocabulary, perhaps "
                f"GPT-2's own; {SOURCE_OF_FILES}"
            )
    return {token: vocab[token] for token in sorted(vocab, key=lambda token: vocab[token])}


def _read_merges(path: Path, vocab: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    merges = []
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        if not line.strip() or (number == 1 and line.startswith("#version")):
            continue
        left, _, right = line.partition(" ")
        if not right or not {left, right, left + right} <= vocab.keys():
            raise UnsupportedCheckpointError(
                f"{path}: line {number} merges tokens that {VOCAB} lacks; {SOURCE_OF_FILES}"
            )
        merges.append((left, right))
    return tuple(merges)


def _compare_dictionary(path: Path, vocab: Mapping[str, int]) -> int:
    """Compare every line with the vocabulary, and return the number of lines."""
    tokens = {number: token for token, number in vocab.items()}
    lines = _read_text(path).splitlines()
    for number, line in enumerate(lines, start=1):
        symbol = line.rsplit(" ", 1)[0]
        wanted = len(SPECIAL_TOKENS) + number - 1
        if symbol not in {str(wanted), tokens.get(wanted)} and not (
            wanted >= len(tokens) and symbol.startswith(FILLER)
        ):
            raise UnsupportedCheckpointError(
                f"{path}: line {number} has {symbol!r} as token {wanted}, {VOCAB} has "
                f"{tokens.get(wanted)!r}; {SOURCE_OF_FILES}"
            )
    return len(lines)
