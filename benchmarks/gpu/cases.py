"""The cases: which model, how many of its layers, how many ranks, which batches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.decoding import Lengths
from benchmarks.engine import cpu_environment, make_deployment
from benchmarks.gpu.machine import GpuMachine
from benchmarks.gpu.options import SMALLER_MODELS, Options
from capacity.errors import PlanError
from capacity.gpus import Gpu
from capacity.memory import GIB, MemoryAssumptions, plan_memory
from capacity.parallel import GPUS_PER_HOST, Layout, Placement, check_layout
from capacity.shapes import SHAPES, ModelShape
from demo.terminal import RefusalError
from inference_workers.deployments import Deployment

LARGE = SHAPES["opt-175b"]
TINY = replace(
    SHAPES["opt-125m"],
    name="opt-tiny",
    num_hidden_layers=24,
    hidden_size=256,
    num_attention_heads=8,
    intermediate_size=1024,
    vocab_size=2048,
)
"""For `--device cpu`: shows that the benchmark works, and says nothing about speed."""
TINY_LENGTHS = Lengths(prompt=16, short=4, long=20)
MEMORY = MemoryAssumptions(reserve_bytes_per_gpu=3 * GIB)
BATCH_TOKENS = 8192
"""`max_num_batched_tokens`: a batch's prompts are read in one or two steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One start of an engine, and the batches measured with it."""

    shape: ModelShape
    """The whole model's shape."""
    layers: int
    """The number of layers that are loaded."""
    tensor_parallel_size: int
    batches: tuple[int, ...]
    dtype: str = "float16"

    @property
    def loaded(self) -> ModelShape:
        return replace(self.shape, num_hidden_layers=self.layers)


def choose_cases(options: Options, machine: GpuMachine, *, lengths: Lengths) -> list[Case]:
    """The large shape on every tensor-parallel size that fits, and the smaller model in full.

    Raises `RefusalError` if a requested size or model does not fit.
    """
    sizes = choose_sizes(options, count=machine.count)
    cases = []
    for size in sizes:
        found = choose_layers(
            LARGE, machine.gpu, tensor_parallel_size=size, batches=options.batches, lengths=lengths
        )
        cases += found
        if not found and options.tensor_parallel_sizes:
            raise RefusalError(f"two layers of {LARGE.name} do not fit on {size} x {machine.name}")
    return [*cases, choose_smaller(options, machine.gpu, size=sizes[0], lengths=lengths)]


def choose_sizes(options: Options, *, count: int) -> tuple[int, ...]:
    """Tensor-parallel sizes; raises `RefusalError` for sizes that are not available."""
    if options.tensor_parallel_sizes is None:
        return tuple(size for size in (1, 2, 4, GPUS_PER_HOST) if size <= count)
    for size in options.tensor_parallel_sizes:
        if size > count:
            raise RefusalError(f"--tensor-parallel-sizes: {size} GPUs are needed, {count} are here")
        try:
            check_layout(LARGE, Layout(tensor_parallel_size=size))
        except PlanError as error:
            raise RefusalError(f"--tensor-parallel-sizes: {error.message}") from None
    return options.tensor_parallel_sizes


def choose_layers(
    shape: ModelShape,
    gpu: Gpu,
    *,
    tensor_parallel_size: int,
    batches: Sequence[int],
    lengths: Lengths,
) -> list[Case]:
    """The whole model if it fits; otherwise as many layers as fit, and half of them.

    Batches too large for even two layers are left out; if no batch fits, there is no case.
    """
    for most in sorted(batches, reverse=True):
        fitting = [
            layers
            for layers in _even_counts(shape)
            if _fits(
                replace(shape, num_hidden_layers=layers),
                gpu,
                size=tensor_parallel_size,
                batch=most,
                lengths=lengths,
            )
        ]
        if not fitting:
            continue
        largest = max(fitting)
        counts = [largest] if largest == shape.num_hidden_layers else [largest // 2, largest]
        return [
            Case(
                shape=shape,
                layers=layers,
                tensor_parallel_size=tensor_parallel_size,
                batches=tuple(batch for batch in batches if batch <= most),
            )
            for layers in counts
        ]
    return []


def choose_smaller(options: Options, gpu: Gpu, *, size: int, lengths: Lengths) -> Case:
    """The requested model, or the largest that fits with the largest batch."""
    names = (options.model,) if options.model else SMALLER_MODELS
    most = max(options.batches)
    for name in names:
        shape = SHAPES[name]
        if _fits(shape, gpu, size=size, batch=most, lengths=lengths):
            return Case(
                shape=shape,
                layers=shape.num_hidden_layers,
                tensor_parallel_size=size,
                batches=options.batches,
            )
    raise RefusalError(
        f"{' or '.join(names)} with a batch of {most} does not fit on {size} x {gpu.name}; "
        "use smaller --batches"
    )


def choose_tiny_cases(options: Options) -> list[Case]:
    """Two and twelve layers of the tiny shape, for the CPU."""
    return [
        Case(
            shape=TINY,
            layers=layers,
            tensor_parallel_size=1,
            batches=options.batches,
            dtype="float32",
        )
        for layers in (2, 12)
    ]


def describe(case: Case, *, device: str, lengths: Lengths) -> Deployment:
    """The deployment of a case: dummy weights, and only the case's number of layers."""
    is_cut = case.layers != case.shape.num_hidden_layers
    overrides = json.dumps({"num_hidden_layers": case.layers})
    is_cpu = device == "cpu"
    return make_deployment(
        case.shape.name,
        tensor_parallel_size=case.tensor_parallel_size,
        max_model_len=lengths.longest,
        max_num_seqs=max(case.batches),
        dtype=case.dtype,
        extra_args=(
            *("--load-format", "dummy"),
            *(("--hf-overrides", overrides) if is_cut else ()),
            *(("--enforce-eager",) if is_cpu else ("--max-num-batched-tokens", str(BATCH_TOKENS))),
        ),
        gpu_memory_utilization=None if is_cpu else MEMORY.gpu_memory_utilization,
        env=cpu_environment(case.tensor_parallel_size) if is_cpu else {},
    )


def _even_counts(shape: ModelShape) -> Iterator[int]:
    return iter(range(2, shape.num_hidden_layers + 1, 2))


def _fits(shape: ModelShape, gpu: Gpu, *, size: int, batch: int, lengths: Lengths) -> bool:
    layout = Layout(tensor_parallel_size=size)
    try:
        check_layout(shape, layout)
    except PlanError:
        return False
    placement = Placement(shape=shape, gpu=gpu, layout=layout, dtype="float16")
    memory = plan_memory(placement, context=lengths.longest, assumptions=MEMORY)
    return memory.full_sequences >= batch
