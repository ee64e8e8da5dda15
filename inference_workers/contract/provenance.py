"""Where a result comes from."""

from __future__ import annotations

from inference_workers.contract.message import Message


class Provenance(Message):
    """What made a result: enough to make it again."""

    engine: str
    engine_version: str
    model: str
    weights: str
    """Hash of the weights, or where they came from when no hash is known."""
    dtype: str
    tensor_parallel_size: int
    pipeline_parallel_size: int
    max_model_len: int
