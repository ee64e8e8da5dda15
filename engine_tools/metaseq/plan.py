"""The plan of the output, made before the first byte is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine_tools.metaseq.casting import cast, largest_difference
from engine_tools.metaseq.checkpoint import Checkpoint
from engine_tools.metaseq.local_tensors import SpanReader
from engine_tools.metaseq.model_config import build_config
from engine_tools.metaseq.names import Join
from engine_tools.metaseq.output_tensors import OutputTensor, plan_tensors
from engine_tools.metaseq.safetensors_shards import Shard, plan_shards

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the command line."""

    source: Path
    out: Path
    md5: Path | None
    size: str | None
    dtype: str
    max_shard_bytes: int
    jobs: int
    num_attention_heads: int | None
    tokenizer: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is known before the first byte is written."""

    config: dict[str, Any]
    shards: list[Shard]
    notes: list[str]


def plan_output(checkpoint: Checkpoint, options: Options, reader: SpanReader) -> Plan:
    """Decide which tensor goes where. Reads the few tensors that must be compared."""
    tensors = _without_tied_head(plan_tensors(checkpoint), reader)
    config = build_config(
        checkpoint,
        tensors,
        dtype=options.dtype,
        size=options.size,
        num_attention_heads=options.num_attention_heads,
    )
    shards = plan_shards(tensors, dtype=options.dtype, max_bytes=options.max_shard_bytes)
    return Plan(config=config, shards=shards, notes=_compare_copies(tensors, reader))


def read_blocks(
    reader: SpanReader, dtype: str, tensor: OutputTensor
) -> Iterator[NDArray[np.uint8]]:
    """A tensor's bytes in the output's number format."""
    for block in tensor.blocks(reader):
        yield cast(block, source=tensor.dtype, target=dtype, name=tensor.name)


def _without_tied_head(tensors: list[OutputTensor], reader: SpanReader) -> list[OutputTensor]:
    """Leave out an output projection that equals the embedding, as in every OPT."""
    by_name = {tensor.name: tensor for tensor in tensors}
    head = by_name.get("lm_head.weight")
    embedding = by_name.get("model.decoder.embed_tokens.weight")
    if head is None or embedding is None or not _are_equal(head, embedding, reader):
        return tensors
    return [tensor for tensor in tensors if tensor is not head]


def _are_equal(one: OutputTensor, other: OutputTensor, reader: SpanReader) -> bool:
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return False
    if [part.ranges for part in one.parts] == [part.ranges for part in other.parts]:
        return True
    blocks = zip(one.blocks(reader), other.blocks(reader), strict=True)
    return all(bool((left == right).all()) for left, right in blocks)


def _compare_copies(tensors: list[OutputTensor], reader: SpanReader) -> list[str]:
    """A note if copies of a tensor differ between parts; the first part's are used."""
    differing, largest = 0, 0.0
    for tensor in tensors:
        if tensor.join is not Join.SAME or len(tensor.parts) == 1:
            continue
        first, differs = tensor.read_copy(reader, 0), False
        for part in range(1, len(tensor.parts)):
            other = tensor.read_copy(reader, part)
            if not bool((first == other).all()):
                differs = True
                difference = largest_difference(first, other, dtype=tensor.dtype)
                largest = max(largest, difference)
        differing += differs
    if not differing:
        return []
    note = (
        f"{differing} tensors that every tensor-parallel part has differ between parts, by at "
        f"most {largest:.3g}; the first part's were used, as in metaseq"
    )
    return [note]
