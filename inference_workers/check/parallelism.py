"""Whether the model divides into the deployment's ranks, and fits its context."""

from __future__ import annotations

from collections.abc import Iterator

from inference_workers.check.finding import Finding, ok, problem, warning
from inference_workers.check.machine import EngineEnvironment, Machine
from inference_workers.check.model import ModelFacts
from inference_workers.deployments import Deployment


def check_model(deployment: Deployment, machine: Machine) -> Iterator[Finding]:
    """Check everything that follows from the model's dimensions alone."""
    if machine.model is None:
        yield warning(
            "model",
            "the number of the model's heads and layers is unknown",
            f"put its config.json into {machine.weights.folder}, then run this again",
        )
        return
    yield check_heads(deployment, machine.model)
    yield check_layers(deployment, machine.model)
    yield check_context(deployment, machine.model)
    if machine.engine is not None:
        yield check_architecture(machine.model, machine.engine)


def check_heads(deployment: Deployment, model: ModelFacts) -> Finding:
    """Check that tensor parallelism gives every rank the same number of attention heads."""
    heads, size = model.num_attention_heads, deployment.tensor_parallel_size
    if heads % size:
        divisors = [number for number in range(1, heads + 1) if heads % number == 0]
        return problem(
            "heads",
            f"{heads} attention heads are not divisible by tensor_parallel_size {size}",
            f"choose one of {', '.join(str(number) for number in divisors)}",
        )
    if model.kv_heads % size and size % model.kv_heads:
        return problem(
            "heads",
            f"tensor_parallel_size {size} does not match {model.kv_heads} key-value heads",
            "choose a divisor or a multiple",
        )
    return ok("heads", f"{heads} attention heads, {heads // size} per rank")


def check_layers(deployment: Deployment, model: ModelFacts) -> Finding:
    """Check that pipeline parallelism gives every stage its share of the layers."""
    layers, size = model.num_hidden_layers, deployment.pipeline_parallel_size
    if size > layers:
        return problem(
            "layers",
            f"{layers} layers are fewer than pipeline_parallel_size {size}",
            f"choose at most {layers}",
        )
    if layers % size:
        return warning(
            "layers",
            f"{layers} layers are not divisible by pipeline_parallel_size {size}",
            "the stage with the most layers limits speed and memory; choose a divisor",
        )
    return ok("layers", f"{layers} layers, {layers // size} per stage")


def check_context(deployment: Deployment, model: ModelFacts) -> Finding:
    """Check the context: a model has no positions beyond those it was trained with."""
    wanted, most = deployment.max_model_len, model.max_position_embeddings
    if not most:
        return warning(
            "context",
            "the model's configuration gives no maximum context",
            f"make sure that it was trained for {wanted} tokens",
        )
    if wanted > most:
        return problem(
            "context",
            f"max_model_len {wanted} is more than the model's {most} positions",
            f"lower it to {most} in models.toml",
        )
    return ok("context", f"{wanted} of {most} positions")


def check_architecture(model: ModelFacts, engine: EngineEnvironment) -> Finding:
    """Check that the engine's vLLM implements the model."""
    if not model.architecture:
        return warning(
            "architecture",
            "the model's configuration names no architecture",
            "add `architectures` to its config.json",
        )
    if not engine.model_architectures:
        return warning(
            "architecture",
            f"unknown whether this vLLM supports {model.architecture}",
            "check vLLM's list of supported models",
        )
    if model.architecture not in engine.model_architectures:
        return warning(
            "architecture",
            f"vLLM {engine.vllm} does not implement {model.architecture}",
            "it tries the implementation in transformers, which may be slower or not split",
        )
    return ok("architecture", f"vLLM {engine.vllm} supports {model.architecture}")
