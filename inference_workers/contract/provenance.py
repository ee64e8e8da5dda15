"""The origin of a result."""

from __future__ import annotations

from inference_workers.contract.message import Message


class Provenance(Message):
    """What produced a result, in enough detail to reproduce it."""

    engine: str
    engine_version: str
    model: str
    weights: str
    """Hash of the weights, or their source if the hash is unknown."""
    dtype: str
    tensor_parallel_size: int
    pipeline_parallel_size: int
    max_model_len: int
