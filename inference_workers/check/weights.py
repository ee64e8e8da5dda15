"""Whether the weights are present, complete, and the right ones."""

from __future__ import annotations

from collections.abc import Iterator

from capacity.config_json import DEFAULT_DTYPE
from inference_workers.check.finding import Finding, count, ok, problem, warning
from inference_workers.check.machine import Machine, Weights, format_bytes
from inference_workers.deployments import Deployment

NAMES_SHOWN = 3


def check_weights(deployment: Deployment, machine: Machine) -> Iterator[Finding]:
    """Check that the weights are present and complete, or what a download needs."""
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
    """Check that every file that vLLM will read is present and complete."""
    folder = weights.folder
    if not weights.has_folder:
        if deployment.hub:
            return warning(
                "weights",
                f"there is no {folder}",
                f"the launcher fetches {deployment.hub} when it starts; see below",
            )
        return problem(
            "weights", f"there is no {folder}", "put them there, or set WEIGHTS_DIR or `weights`"
        )
    if not weights.has_config:
        return problem("weights", f"{folder} has no config.json", "copy or convert them again")
    if deployment.has_dummy_weights:
        return ok("weights", f"dummy weights, for the config.json in {folder}")
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
            f"{_name(weights.cut_short)} in {folder} is truncated",
            "copy them again",
        )
    return ok(
        "weights",
        f"{count(len(weights.files), 'file')}, {format_bytes(weights.size_bytes)} in {folder}",
    )


def check_tokenizer(weights: Weights) -> Finding:
    """Check for the tokenizer, which the worker reads from the weights' folder."""
    if weights.has_tokenizer:
        return ok("tokenizer", "beside the weights")
    return warning(
        "tokenizer",
        f"{weights.folder} has neither tokenizer.json nor vocab.json with merges.txt",
        "copy them there: the portal needs them to count tokens, and workers to continue runs",
    )


def check_hash(deployment: Deployment, weights: Weights) -> Finding:
    """Check that the weights are the ones in models.toml."""
    wanted, found = deployment.weights_sha256, weights.sha256
    if wanted and not found:
        return ok("hash", "recorded; compare it with --verify-weights")
    if not wanted and not found:
        return warning(
            "hash",
            "models.toml has no weights_sha256",
            "run this with --verify-weights, and add the hash that it prints",
        )
    if not wanted:
        return warning(
            "hash",
            "models.toml has no weights_sha256 to compare with",
            f'add weights_sha256 = "{found}"',
        )
    if wanted != found:
        return problem(
            "hash",
            f"the weights are not those of models.toml: {found[:12]}…, not {wanted[:12]}…",
            "copy or convert them again, or correct weights_sha256 if they should differ",
        )
    return ok("hash", f"{found[:12]}… as in models.toml")


def check_disk(machine: Machine) -> Finding:
    """Check the disk space for a download, in the usual precision of published models."""
    weights, model = machine.weights, machine.model
    free = f"{format_bytes(weights.free_bytes)} free in {weights.download_folder}"
    needed = model.weight_bytes(DEFAULT_DTYPE) if model is not None else 0
    if not needed:
        return warning("disk", free, "compare this with the size on the hub")
    if needed > weights.free_bytes:
        return problem(
            "disk",
            f"the download has {format_bytes(needed)}, and there are {free}",
            "free some space, or set HF_HOME to a larger disk",
        )
    return ok("disk", f"{free}, {format_bytes(needed)} to download")


def check_hub(deployment: Deployment, weights: Weights) -> Finding:
    """Check that the hub provides the weights."""
    name = f"{deployment.hub}@{deployment.revision[:12]}" if deployment.revision else deployment.hub
    if weights.hub_error is None:
        return warning("hub", "not asked", "run this without --offline")
    if weights.hub_error:
        return problem(
            "hub",
            f"{name} cannot be downloaded: {weights.hub_error}",
            f"put the weights into {weights.folder}, or fix the connection to the hub",
        )
    return ok("hub", f"{name} is available")


def _name(files: tuple[str, ...]) -> str:
    shown = ", ".join(files[:NAMES_SHOWN])
    return f"{shown} and {len(files) - NAMES_SHOWN} more" if len(files) > NAMES_SHOWN else shown
