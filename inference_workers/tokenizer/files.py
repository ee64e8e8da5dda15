"""Find and read the tokenizer beside a deployment's weights.

`tokenizers` reads two layouts: one `tokenizer.json`, or GPT-2's `vocab.json` with
`merges.txt`, which is how the OPT family is published.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment

OPT_SPECIAL_TOKENS = ("<pad>", "</s>", "<unk>")
OPT_BEGINNING = "</s>"


class TokenizerCodec:
    """A `text.Decoder` and `prompts.Encoder` for a tokenizer file. Thread-safe."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def decode(self, token_ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(token_ids, skip_special_tokens=True)
        return text

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=add_special_tokens).ids
        return ids


@dataclass(frozen=True)
class FoundTokenizer:
    """A tokenizer, and the folder with its files."""

    tokenizer: Tokenizer
    folder: Path


def load_tokenizer(settings: LauncherSettings, deployment: Deployment) -> FoundTokenizer | None:
    """The deployment's tokenizer, or None if its files are not on this host yet.

    Searches the weights folder, the engine's own folder, and the hub's cache.
    """
    folders = [
        settings.weights_folder(deployment),
        settings.deployment_dir,
        *_hub_snapshots(deployment.hub),
    ]
    for folder in folders:
        tokenizer = _read(folder)
        if tokenizer is not None:
            return FoundTokenizer(tokenizer, folder)
    return None


def _read(folder: Path) -> Tokenizer | None:
    file = folder / "tokenizer.json"
    if file.is_file():
        return Tokenizer.from_file(os.fspath(file))
    vocab, merges = folder / "vocab.json", folder / "merges.txt"
    if vocab.is_file() and merges.is_file():
        return _read_opt(vocab, merges)
    return None


def _read_opt(vocab: Path, merges: Path) -> Tokenizer:
    """OPT's byte-level BPE, which begins every text with `</s>`."""
    tokenizer = Tokenizer(models.BPE.from_file(os.fspath(vocab), os.fspath(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    known = [token for token in OPT_SPECIAL_TOKENS if tokenizer.token_to_id(token) is not None]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in known])
    beginning = tokenizer.token_to_id(OPT_BEGINNING)
    if beginning is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{OPT_BEGINNING} $A", special_tokens=[(OPT_BEGINNING, beginning)]
        )
    return tokenizer


def _hub_snapshots(hub: str) -> list[Path]:
    """Folders of the model in the hub's cache, newest first."""
    if not hub:
        return []
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    snapshots = (cache / f"models--{hub.replace('/', '--')}" / "snapshots").glob("*")
    return sorted(snapshots, key=lambda folder: folder.stat().st_mtime, reverse=True)
