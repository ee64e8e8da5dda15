"""Whether the weights are here, whole, and the ones that were meant."""

from __future__ import annotations

from collections.abc import Iterator

from capacity.config_json import DEFAULT_DTYPE
from inference_workers.check.finding import Finding, count, ok, problem, warning
from inference_workers.check.machine import Machine, Weights, format_bytes
from inference_workers.deployments import Deployment

NAMES_SHOWN = 3


def check_weights(deployment: Deployment, machine: Machine) -> Iterator[Finding]:
    """Presence and wholeness, or what a download needs."""
    weights = machine.weights
    yield check_presence(deployment, weights)
    if weights.has_folder:
        yield check_tokenizer(weights)
        if not deployment.has_dummy_weights:
            yield check_hash(deployment, weights)
    elif deployment.hub:
        yield check_disk(machine)
        yield check_hub(deployment, weights)


def check_presence(deployment: Deployment, weights: Weights) -> Finding:
    """Every file that vLLM will read is there, from its beginning to its end."""
    folder = weights.folder
    if not weights.has_folder:
        if deployment.hub:
            return warning(
                "weights",
                f"there is no {folder}",
                f"vLLM fetches {deployment.hub} when it starts; see below",
            )
        return problem(
            "weights", f"there is no {folder}", "put them there, or set WEIGHTS_DIR or `weights`"
        )
    if not weights.has_config:
        return problem("weights", f"{folder} has no config.json", "copy or convert them again")
    if deployment.has_dummy_weights:
        return ok("weights", f"dummy ones, for the config.json in {folder}")
    if weights.missing:
        return problem(
            "weights",
            f"{folder} lacks {_name(weights.missing)}",
            "copy or convert them again; the index names them",
        )
    if not weights.files:
        return problem(
            "weights",
            f"{folder} has neither safetensors nor pytorch_model files",
            "copy or convert them again",
        )
    if weights.cut_short:
        return problem(
            "weights",
            f"{_name(weights.cut_short)} in {folder} ends too early",
            "copy them again",
        )
    return ok(
        "weights",
        f"{count(len(weights.files), 'file')}, {format_bytes(weights.size_bytes)} in {folder}",
    )


def check_tokenizer(weights: Weights) -> Finding:
    """The worker reads the tokenizer from the weights' folder too."""
    if weights.has_tokenizer:
        return ok("tokenizer", "beside the weights")
    return warning(
        "tokenizer",
        f"{weights.folder} has neither tokenizer.json nor vocab.json with merges.txt",
        "copy them there: the portal counts tokens with them, and runs are continued with them",
    )


def check_hash(deployment: Deployment, weights: Weights) -> Finding:
    """The weights are the ones that models.toml means."""
    wanted, found = deployment.weights_sha256, weights.sha256
    if wanted and not found:
        return ok("hash", "recorded; compare it with --verify-weights")
    if not wanted and not found:
        return warning(
            "hash",
            "models.toml has no weights_sha256",
            "run this with --verify-weights and write down what it prints",
        )
    if not wanted:
        return warning(
            "hash",
            "models.toml has no weights_sha256 to compare with",
            f'write weights_sha256 = "{found}"',
        )
    if wanted != found:
        return problem(
            "hash",
            f"the weights are not those of models.toml: {found[:12]}…, not {wanted[:12]}…",
            "copy or convert them again, or correct weights_sha256 if they are meant to differ",
        )
    return ok("hash", f"{found[:12]}… as in models.toml")


def check_disk(machine: Machine) -> Finding:
    """Room for a download, in the precision in which models of this kind are published."""
    weights, model = machine.weights, machine.model
    free = f"{format_bytes(weights.free_bytes)} free in {weights.download_folder}"
    needed = model.weight_bytes(DEFAULT_DTYPE) if model is not None else 0
    if not needed:
        return warning("disk", free, "compare it with the size that the hub shows")
    if needed > weights.free_bytes:
        return problem(
            "disk",
            f"{format_bytes(needed)} must be fetched, and there are {free}",
            "make room, or set HF_HOME to a larger disk",
        )
    return ok("disk", f"{free}, {format_bytes(needed)} to fetch")


def check_hub(deployment: Deployment, weights: Weights) -> Finding:
    """Whether the hub would give the weights."""
    name = f"{deployment.hub}@{deployment.revision[:12]}" if deployment.revision else deployment.hub
    if weights.hub_error is None:
        return warning("hub", "not asked", "run this without --offline")
    if weights.hub_error:
        return problem(
            "hub",
            f"{name} cannot be fetched: {weights.hub_error}",
            f"put the weights into {weights.folder}, or mend the way to the hub",
        )
    return ok("hub", f"{name} is there")


def _name(files: tuple[str, ...]) -> str:
    shown = ", ".join(files[:NAMES_SHOWN])
    return f"{shown} and {len(files) - NAMES_SHOWN} more" if len(files) > NAMES_SHOWN else shown
