"""One hash for a folder of weights, over every file that affects the model's output.

The hash is the SHA-256 of a list with one line `name size sha256` for each of these files,
sorted by name: config.json, the index, the files of weights that vLLM reads, and the
tokenizer's. Other files in the folder (a card, other formats) do not change it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from inference_workers.check.facts.weights import INDEXES, TOKENIZERS, find_weight_files

BLOCK_BYTES = 2**24

Progress = Callable[[int, int], None]
"""Called with the number of bytes read and the total."""


def list_files(folder: Path) -> list[Path]:
    """The files of the manifest that exist, sorted by name."""
    weights, _ = find_weight_files(folder)
    names = {"config.json", *INDEXES, *weights, *(name for names in TOKENIZERS for name in names)}
    return sorted(folder / name for name in names if (folder / name).is_file())


def hash_weights(folder: Path, *, progress: Progress = lambda _done, _total: None) -> str:
    """The folder's hash; reads every byte. Raises OSError."""
    files = list_files(folder)
    total = sum(file.stat().st_size for file in files)
    lines, done = [], 0
    for file in files:
        digest, size = hashlib.sha256(), 0
        with file.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
                size += len(block)
                progress(done + size, total)
        done += size
        lines.append(f"{file.name} {size} {digest.hexdigest()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()
