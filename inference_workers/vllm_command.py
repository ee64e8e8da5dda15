"""The command line and environment of a deployment's vLLM server."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from inference_workers.errors import LaunchError

SERVER_MODULE = "vllm.entrypoints.openai.api_server"
KEPT_FROM_THE_ENGINE = frozenset({"REDIS_URL", "REDIS_URL_FILE", "DATABASE_URL"})
"""Secrets that an engine has no use for."""
ALWAYS = {
    # Nobody outside is told what runs here.
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}


def build_command(settings: LauncherSettings, deployment: Deployment) -> list[str]:
    """The server's command; raises `LaunchError` when the weights are nowhere to be had."""
    return [
        os.fspath(settings.engine_python),
        *("-m", SERVER_MODULE),
        *("--model", find_weights(settings, deployment)),
        *("--served-model-name", deployment.model_name),
        *("--uds", os.fspath(settings.socket.absolute())),
        *("--tensor-parallel-size", str(deployment.tensor_parallel_size)),
        *("--pipeline-parallel-size", str(deployment.pipeline_parallel_size)),
        *("--max-model-len", str(deployment.max_model_len)),
        *("--max-num-seqs", str(deployment.max_num_seqs)),
        *("--max-logprobs", str(deployment.max_logprobs)),
        *("--dtype", deployment.dtype),
        *("--scheduling-policy", "priority"),
        # Sampling defaults that come with the weights would change what a researcher asked for.
        *("--generation-config", "vllm"),
        "--disable-uvicorn-access-log",
        *_trace_arguments(settings),
        *deployment.extra_args,
        *shlex.split(settings.engine_args),
    ]


def build_environment(
    settings: LauncherSettings, deployment: Deployment, *, inherited: Mapping[str, str]
) -> dict[str, str]:
    """The server's environment: what is inherited less secrets, plus the deployment's own."""
    dropped = KEPT_FROM_THE_ENGINE | set(deployment.unset_env)
    env = {name: value for name, value in inherited.items() if name not in dropped}
    if settings.weights_folder(deployment).is_dir():
        env["HF_HUB_OFFLINE"] = "1"
    if settings.otel_exporter_otlp_endpoint:
        # vLLM would speak gRPC, which no other part of Gatehouse does.
        env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"
        env.setdefault("OTEL_SERVICE_NAME", "gatehouse-engine")
    return env | ALWAYS | deployment.env


def _trace_arguments(settings: LauncherSettings) -> tuple[str, ...]:
    """VLLM heeds a request's `traceparent` only when it has somewhere to send its spans."""
    endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/")
    return ("--otlp-traces-endpoint", f"{endpoint}/v1/traces") if endpoint else ()


def find_weights(settings: LauncherSettings, deployment: Deployment) -> str:
    """The weights' folder if it is there, or else their name at the hub."""
    folder = settings.weights_folder(deployment)
    if (folder / "config.json").is_file():
        return os.fspath(folder.absolute())
    if folder.exists():
        raise LaunchError(
            f"the weights of {deployment.slug} are incomplete: no config.json in {folder}"
        )
    if deployment.hub:
        return deployment.hub
    raise LaunchError(f"the weights of {deployment.slug} are missing: there is no folder {folder}")
