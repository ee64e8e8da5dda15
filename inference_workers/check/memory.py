"""Whether the weights fit, and how many full-length sequences fit beside them.

The arithmetic is that of `capacity.memory`, with `ENGINE_RESERVE_BYTES` reserved on each GPU, so
that a start that passes this check does not fail for lack of memory.
"""

from __future__ import annotations

import math

from capacity.memory import (
    DEFAULT_GPU_MEMORY_UTILIZATION,
    ENGINE_RESERVE_BYTES,
    GIB,
    MemoryAssumptions,
    MemoryNeed,
    fit_memory,
)
from inference_workers.check.finding import Finding, count, ok, problem, warning
from inference_workers.check.machine import GB, Machine, format_bytes
from inference_workers.deployments import Deployment

CPU_BASE_BYTES = 1 * GIB
"""vLLM's server and scheduler on a CPU, as measured; see CPU_RANK_BYTES."""
CPU_RANK_BYTES = GIB // 2
"""One rank of vLLM on a CPU without weights, keys and values, as measured."""
RESERVE = (
    f"{ENGINE_RESERVE_BYTES // GIB} GiB per GPU are reserved for activations and CUDA graphs; "
    "`plan`, like published figures, reserves none"
)


def check_memory(deployment: Deployment, machine: Machine) -> Finding:
    """Check whether the weights fit, and how many full-length sequences fit beside them."""
    model = machine.model
    if model is None:
        return warning("memory", "unknown, because the model is unknown", "see above")
    if deployment.pipeline_parallel_size > model.num_hidden_layers:
        return warning("memory", "unknown, because some stages have no layers", "see above")
    dtype = deployment.resolve_dtype(model.dtype)
    size_bytes = machine.weights.size_bytes
    if not (size_bytes or model.weight_bytes(dtype)):
        return warning(
            "memory",
            f"the size of {model.architecture} is unknown until its weights are here",
            "fetch them, then run this again",
        )
    need = model.find_need(deployment.layout, dtype=dtype, size_bytes=size_bytes)
    if machine.gpus:
        return _check_gpu_memory(deployment, machine, need)
    return _check_cpu_memory(deployment, machine, need)


def _check_gpu_memory(deployment: Deployment, machine: Machine, need: MemoryNeed) -> Finding:
    smallest = min(machine.gpus, key=lambda gpu: gpu.memory_bytes)
    share = deployment.gpu_memory_utilization or DEFAULT_GPU_MEMORY_UTILIZATION
    fit = fit_memory(
        need,
        memory_bytes=smallest.memory_bytes,
        context=deployment.max_model_len,
        assumptions=MemoryAssumptions(
            gpu_memory_utilization=share, reserve_bytes_per_gpu=ENGINE_RESERVE_BYTES
        ),
    )
    text = (
        f"{format_bytes(fit.weight_bytes)} of weights, {format_bytes(fit.weight_bytes_per_gpu)} on "
        f"each {smallest.name} of {format_bytes(smallest.memory_bytes)}"
    )
    if not fit.holds_weights:
        least = math.ceil((fit.weight_bytes_per_gpu + ENGINE_RESERVE_BYTES) / share / GB)
        return problem(
            "memory",
            f"{text}: they do not fit",
            f"use GPUs of more than {least} GB, more ranks, or weights with fewer bits",
        )
    finding = _judge_sequences(deployment, fit.kv_slots, text, assumption=f" ({RESERVE})")
    wanted = int(smallest.memory_bytes * share)
    taken = [gpu for gpu in machine.gpus if gpu.free_bytes < wanted]
    if taken and finding.level != "problem":
        return warning(
            "memory",
            f"GPU {taken[0].index} has {format_bytes(taken[0].free_bytes)} free and vLLM wants "
            f"{format_bytes(wanted)}",
            "stop the process that uses the rest (`nvidia-smi`), or lower gpu_memory_utilization",
        )
    return finding


def _check_cpu_memory(deployment: Deployment, machine: Machine, need: MemoryNeed) -> Finding:
    ranks = deployment.ranks_per_node
    weights = need.weight_bytes_per_gpu * ranks
    text = (
        f"{format_bytes(weights)} of weights in this machine's {format_bytes(machine.memory_bytes)}"
    )
    base = CPU_BASE_BYTES + ranks * CPU_RANK_BYTES
    needed = (weights + base + ranks * (machine.cpu_kv_bytes or 0)) * deployment.replicas
    if needed > machine.memory_bytes:
        return problem(
            "memory",
            f"{format_bytes(needed)} are needed, and the machine has "
            f"{format_bytes(machine.memory_bytes)}",
            "choose a smaller model, or lower VLLM_CPU_KVCACHE_SPACE",
        )
    if machine.cpu_kv_bytes is None:
        return warning(
            "memory",
            f"{text}; vLLM chooses how much it takes for keys and values",
            "set VLLM_CPU_KVCACHE_SPACE, in GiB for each rank, in the deployment's env",
        )
    slots = need.count_slots([machine.cpu_kv_bytes] * len(need.stages))
    finding = _judge_sequences(deployment, slots, text)
    if needed > machine.available_bytes and finding.level != "problem":
        return warning(
            "memory",
            f"{format_bytes(needed)} are needed, and {format_bytes(machine.available_bytes)} are "
            "free now",
            "stop another process first",
        )
    return finding


def _judge_sequences(
    deployment: Deployment, slots: int, text: str, *, assumption: str = ""
) -> Finding:
    length = deployment.max_model_len
    sequences = slots // length
    if sequences == 0:
        return problem(
            "memory",
            f"{text}; keys and values of {slots:,} tokens fit, less than one sequence of "
            f"{length:,}",
            "lower max_model_len, or use more memory or more ranks",
        )
    described = (
        f"{text}; keys and values of {slots:,} tokens, {count(sequences, 'sequence')} of "
        f"{length:,}{assumption}"
    )
    if sequences * 4 < deployment.max_num_seqs:
        return warning(
            "memory",
            described,
            f"max_num_seqs {deployment.max_num_seqs} is far above this; long sequences will wait",
        )
    return ok("memory", described)
