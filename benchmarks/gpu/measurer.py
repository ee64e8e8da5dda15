"""Objects that measure how long a case's steps take."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.decoding import Lengths, measure_step
from benchmarks.engine import running_engine
from benchmarks.gpu.cases import Case, describe
from benchmarks.opt_folder import write_opt_folder


class Measurer(Protocol):
    """Seconds per step, for each of the case's batches."""

    async def measure(self, case: Case, *, lengths: Lengths) -> dict[int, float]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VLLMMeasurer:
    """Real vLLM, one engine for each case."""

    engine_python: Path
    device: str
    repeats: int

    async def measure(self, case: Case, *, lengths: Lengths) -> dict[int, float]:
        with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
            weights = Path(folder)
            deployment = describe(case, device=self.device, lengths=lengths)
            write_opt_folder(weights / deployment.weights_folder_name, case.shape, dtype=case.dtype)
            async with running_engine(
                deployment, weights_dir=weights, engine_python=self.engine_python
            ) as engine:
                return {
                    batch: await measure_step(
                        engine,
                        batch=batch,
                        lengths=lengths,
                        vocabulary=case.shape.vocab_size,
                        repeats=self.repeats,
                    )
                    for batch in case.batches
                }
