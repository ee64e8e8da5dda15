"""Which model the demo serves, and whether its weights are here or can be downloaded."""

from __future__ import annotations

from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from huggingface_hub.constants import ENDPOINT

from demo.terminal import RefusalError
from inference_workers.deployments import PACKAGED_MODELS_FILE, Deployment, load_deployments

PACKAGED_MODEL = "smollm2-135m"
"""The model whose weights come as a Python package."""
HUB_SECONDS = 5
WAY_OUT = "Leave MODEL out to use the packaged model"


def choose_deployment(model: str | None, *, weights: Path) -> Deployment:
    """The deployment named by `model`: its name in models.toml, or its name on the hub.

    Raises `RefusalError` if there is no such deployment, or if its weights are neither in the
    folder `weights`, nor packaged, nor on a hub that responds.
    """
    deployment = _find(model or PACKAGED_MODEL)
    if deployment.slug == PACKAGED_MODEL or (weights / deployment.weights_folder_name).is_dir():
        return deployment
    if not deployment.hub:
        raise RefusalError(
            f"MODEL={model}: its weights are not published anywhere. "
            f"Put them into {weights / deployment.weights_folder_name}. {WAY_OUT}."
        )
    _check_hub(deployment, weights=weights)
    return deployment


def _find(model: str) -> Deployment:
    deployments = load_deployments(PACKAGED_MODELS_FILE)
    for deployment in deployments.values():
        if model in {deployment.slug, deployment.hub}:
            return deployment
    known = ", ".join(deployments)
    raise RefusalError(
        f"MODEL={model} has no deployment in {PACKAGED_MODELS_FILE.name} (known: {known}). "
        f"Add a table for it there. {WAY_OUT}."
    )


def _check_hub(deployment: Deployment, *, weights: Path) -> None:
    address = f"{ENDPOINT}/api/models/{deployment.hub}"
    try:
        with urlopen(address, timeout=HUB_SECONDS):  # noqa: S310 -- the scheme is the hub library's
            return
    except HTTPError as error:
        raise RefusalError(
            f"MODEL={deployment.hub}: the model hub returned status {error.code}. {WAY_OUT}."
        ) from None
    except OSError:
        folder = weights / deployment.weights_folder_name
        raise RefusalError(
            f"MODEL={deployment.hub}: this machine cannot reach the model hub. "
            f"Put the weights into {folder}. {WAY_OUT}."
        ) from None
