"""Memory for the weights, and for how many sequences of full length besides.

Arithmetic, with what it leaves out stated: weights are taken to divide evenly over the ranks,
and `SPARE_BYTES` of each GPU go to activations, CUDA graphs and the exchange between ranks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from inference_workers.check.finding import Finding, count, ok, problem, warning
from inference_workers.check.gpus import resolve_dtype
from inference_workers.check.machine import GB, GIB, Machine, format_bytes
from inference_workers.check.model import ModelFacts
from inference_workers.deployments import Deployment

DEFAULT_GPU_MEMORY_UTILIZATION = 0.92
"""Of vLLM 0.32."""
SPARE_BYTES = 3 * GB
CPU_BASE_BYTES = 1 * GIB
"""Server and scheduler of vLLM on a CPU, as measured; see CPU_RANK_BYTES."""
CPU_RANK_BYTES = GIB // 2
"""A rank of vLLM on a CPU without weights, keys and values, as measured."""
UTILIZATION_ARGUMENT = "--gpu-memory-utilization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a rank's memory is divided."""

    weight_bytes: int
    kv_bytes: int
    """Left for keys and values; negative when not even the weights fit."""
    kv_bytes_per_token: int

    @property
    def tokens(self) -> int:
        """Of all sequences together."""
        return max(0, self.kv_bytes // self.kv_bytes_per_token)


def split_weights(deployment: Deployment, model: ModelFacts, *, weight_bytes: int) -> int:
    """Bytes of weights on the rank that has most: tensor parts are equal, stages nearly."""
    return math.ceil(weight_bytes * _largest_stage(deployment, model)) // (
        deployment.tensor_parallel_size
    )


def split_kv(deployment: Deployment, model: ModelFacts, *, dtype: str) -> int:
    """Bytes that one token's keys and values take on the rank that has most of them.

    Ranks beyond the number of key-value heads hold copies.
    """
    heads = math.ceil(model.kv_heads / deployment.tensor_parallel_size)
    per_head = model.kv_bytes_per_token(dtype) / model.kv_heads
    return max(1, math.ceil(heads * per_head * _largest_stage(deployment, model)))


def fit_gpu(
    deployment: Deployment, model: ModelFacts, *, dtype: str, weight_bytes: int, memory_bytes: int
) -> Fit:
    """How one GPU's memory is divided."""
    weights = split_weights(deployment, model, weight_bytes=weight_bytes)
    usable = int(memory_bytes * find_utilization(deployment))
    return Fit(
        weight_bytes=weights,
        kv_bytes=usable - SPARE_BYTES - weights,
        kv_bytes_per_token=split_kv(deployment, model, dtype=dtype),
    )


def find_utilization(deployment: Deployment) -> float:
    """The part of a GPU's memory that vLLM may take."""
    if deployment.gpu_memory_utilization is not None:
        return deployment.gpu_memory_utilization
    arguments = list(deployment.extra_args)
    if UTILIZATION_ARGUMENT in arguments[:-1]:
        return float(arguments[arguments.index(UTILIZATION_ARGUMENT) + 1])
    return DEFAULT_GPU_MEMORY_UTILIZATION


def check_memory(deployment: Deployment, machine: Machine) -> Finding:
    """Whether the weights fit, and how many full-length sequences beside them."""
    model = machine.model
    if model is None:
        return warning("memory", "unknown, as the model is", "see above")
    dtype = resolve_dtype(deployment, machine)
    weight_bytes = model.weight_bytes(dtype) or machine.weights.size_bytes
    if not weight_bytes:
        return warning(
            "memory",
            f"nobody can count the weights of {model.architecture} before they are here",
            "fetch them, then check again",
        )
    if machine.gpus:
        return _check_gpu_memory(deployment, machine, model, dtype, weight_bytes)
    return _check_cpu_memory(deployment, machine, model, dtype, weight_bytes)


def _check_gpu_memory(
    deployment: Deployment, machine: Machine, model: ModelFacts, dtype: str, weight_bytes: int
) -> Finding:
    smallest = min(machine.gpus, key=lambda gpu: gpu.memory_bytes)
    fit = fit_gpu(
        deployment,
        model,
        dtype=dtype,
        weight_bytes=weight_bytes,
        memory_bytes=smallest.memory_bytes,
    )
    text = (
        f"{format_bytes(weight_bytes)} of weights, {format_bytes(fit.weight_bytes)} on each "
        f"{smallest.name} of {format_bytes(smallest.memory_bytes)}"
    )
    if fit.kv_bytes <= 0:
        least = math.ceil((fit.weight_bytes + SPARE_BYTES) / find_utilization(deployment) / GB)
        return problem(
            "memory",
            f"{text}: they do not fit",
            f"use GPUs of more than {least} GB, or more ranks, or weights of fewer bits",
        )
    finding = _judge_sequences(deployment, fit, text)
    wanted = int(smallest.memory_bytes * find_utilization(deployment))
    taken = [gpu for gpu in machine.gpus if gpu.free_bytes < wanted]
    if taken and finding.level != "problem":
        return warning(
            "memory",
            f"GPU {taken[0].index} has {format_bytes(taken[0].free_bytes)} free and vLLM wants "
            f"{format_bytes(wanted)}",
            "end what holds the rest (`nvidia-smi`), or lower gpu_memory_utilization",
        )
    return finding


def _check_cpu_memory(
    deployment: Deployment, machine: Machine, model: ModelFacts, dtype: str, weight_bytes: int
) -> Finding:
    ranks = deployment.ranks_per_node
    weights = split_weights(deployment, model, weight_bytes=weight_bytes) * ranks
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
            f"{text}; vLLM chooses by itself what it takes for keys and values",
            "set VLLM_CPU_KVCACHE_SPACE, in GiB for each rank, in the deployment's env",
        )
    fit = Fit(
        weight_bytes=weights,
        kv_bytes=machine.cpu_kv_bytes,
        kv_bytes_per_token=split_kv(deployment, model, dtype=dtype),
    )
    finding = _judge_sequences(deployment, fit, text)
    if needed > machine.available_bytes and finding.level != "problem":
        return warning(
            "memory",
            f"{format_bytes(needed)} are needed, and {format_bytes(machine.available_bytes)} are "
            "free now",
            "end something else first",
        )
    return finding


def _judge_sequences(deployment: Deployment, fit: Fit, text: str) -> Finding:
    length = deployment.max_model_len
    sequences = fit.tokens // length
    if sequences == 0:
        return problem(
            "memory",
            f"{text}; keys and values of {fit.tokens:,} tokens fit, less than one sequence of "
            f"{length:,}",
            "lower max_model_len, or use more memory or more ranks",
        )
    described = (
        f"{text}; keys and values of {fit.tokens:,} tokens, {count(sequences, 'sequence')} "
        f"of {length:,}"
    )
    if sequences * 4 < deployment.max_num_seqs:
        return warning(
            "memory",
            described,
            f"max_num_seqs {deployment.max_num_seqs} is far above; long sequences will wait",
        )
    return ok("memory", described)


def _largest_stage(deployment: Deployment, model: ModelFacts) -> float:
    """The part of all layers that the largest pipeline stage has."""
    layers, stages = model.num_hidden_layers, deployment.pipeline_parallel_size
    return math.ceil(layers / stages) / layers
