"""The command line and environment of a deployment's vLLM server."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

from inference_workers.config import VISIBLE_DEVICES, LauncherSettings
from inference_workers.deployments import Deployment
from inference_workers.errors import LaunchError
from inference_workers.multi_node.node import Node, find_node

SERVER_MODULE = "vllm.entrypoints.openai.api_server"
CLI_MODULE = "vllm.entrypoints.cli.main"
"""vLLM's `serve` command: the only way to start a node without a server."""
KEPT_FROM_THE_ENGINE = frozenset({"REDIS_URL", "REDIS_URL_FILE", "DATABASE_URL"})
"""Secrets that an engine does not need."""
READ_BY_THE_LAUNCHER = frozenset({"NODE_RANK", "MASTER_ADDR", "MASTER_PORT", "REPLICA"})
"""Passed to the engine as arguments; torch would interpret the variables differently."""
ALWAYS = {
    # Send no usage data to anyone outside.
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}


def build_command(settings: LauncherSettings, deployment: Deployment) -> list[str]:
    """The command of this host's part of the engine.

    Raises `LaunchError` if the weights cannot be found, and `ConfigurationError` if the deployment
    spans hosts and NODE_RANK is not set.
    """
    node = find_node(settings, deployment)
    python = os.fspath(settings.engine_python)
    if node is not None and node.is_headless:
        return [
            *(python, "-m", CLI_MODULE, "serve", find_weights(settings, deployment)),
            *("--served-model-name", deployment.model_name, "--headless"),
            *_engine_arguments(settings, deployment, node=node),
        ]
    return [
        *(python, "-m", SERVER_MODULE),
        *("--model", find_weights(settings, deployment)),
        *("--served-model-name", deployment.model_name),
        *("--uds", os.fspath(settings.socket.absolute())),
        *_engine_arguments(settings, deployment, node=node),
    ]


def _engine_arguments(
    settings: LauncherSettings, deployment: Deployment, *, node: Node | None
) -> list[str]:
    return [
        *_revision_arguments(settings, deployment),
        *("--tensor-parallel-size", str(deployment.tensor_parallel_size)),
        *("--pipeline-parallel-size", str(deployment.pipeline_parallel_size)),
        *_node_arguments(deployment, node=node),
        *("--max-model-len", str(deployment.max_model_len)),
        *("--max-num-seqs", str(deployment.max_num_seqs)),
        *("--max-logprobs", str(deployment.max_logprobs)),
        *("--dtype", deployment.dtype),
        *("--scheduling-policy", "priority"),
        # By default, vLLM uses the compiler that suits the first request for all later ones.
        *("--structured-outputs-config.backend", "guidance"),
        # Sampling defaults from the weights would change the researcher's parameters.
        *("--generation-config", "vllm"),
        "--disable-uvicorn-access-log",
        *_trace_arguments(settings),
        *_memory_arguments(deployment),
        *deployment.extra_args,
        *shlex.split(settings.engine_args),
    ]


def _revision_arguments(settings: LauncherSettings, deployment: Deployment) -> list[str]:
    """The hub's commit; a folder on this host has none."""
    if not deployment.revision or settings.weights_folder(deployment).exists():
        return []
    return ["--revision", deployment.revision, "--tokenizer-revision", deployment.revision]


def _node_arguments(deployment: Deployment, *, node: Node | None) -> list[str]:
    if deployment.nnodes == 1:
        return []
    backend = ["--distributed-executor-backend", deployment.distributed_executor_backend]
    if node is None:
        return backend
    return [
        *backend,
        *("--nnodes", str(node.count), "--node-rank", str(node.rank)),
        *("--master-addr", node.master_addr, "--master-port", str(node.master_port)),
    ]


def _memory_arguments(deployment: Deployment) -> list[str]:
    if deployment.gpu_memory_utilization is None:
        return []
    return ["--gpu-memory-utilization", str(deployment.gpu_memory_utilization)]


def build_environment(
    settings: LauncherSettings, deployment: Deployment, *, inherited: Mapping[str, str]
) -> dict[str, str]:
    """The server's environment: the inherited one without secrets, plus the deployment's own.

    Raises `LaunchError` if there are not enough GPUs for the replica.
    """
    dropped = KEPT_FROM_THE_ENGINE | READ_BY_THE_LAUNCHER | set(deployment.unset_env)
    env = {name: value for name, value in inherited.items() if name not in dropped}
    if settings.weights_folder(deployment).is_dir():
        env["HF_HUB_OFFLINE"] = "1"
        env.pop("HF_TOKEN", None)
    if settings.otel_exporter_otlp_endpoint:
        # vLLM would use gRPC, which no other part of Gatehouse uses.
        env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"
        env.setdefault("OTEL_SERVICE_NAME", "gatehouse-engine")
    if deployment.replicas > 1:
        env[VISIBLE_DEVICES] = choose_devices(
            settings, deployment, visible=inherited.get(VISIBLE_DEVICES, "")
        )
    return env | ALWAYS | deployment.env


def choose_devices(settings: LauncherSettings, deployment: Deployment, *, visible: str) -> str:
    """The GPUs of this replica, taken in order from those that the launcher sees."""
    wanted = deployment.ranks_per_node
    first = settings.replica * wanted
    if not visible:
        return ",".join(str(index) for index in range(first, first + wanted))
    devices = visible.split(",")[first : first + wanted]
    if len(devices) < wanted:
        raise LaunchError(
            f"{VISIBLE_DEVICES}={visible} has no {wanted} GPUs for REPLICA={settings.replica} of "
            f"{deployment.slug}"
        )
    return ",".join(devices)


def _trace_arguments(settings: LauncherSettings) -> tuple[str, ...]:
    """VLLM uses a request's `traceparent` only if it has an endpoint for its spans."""
    endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/")
    return ("--otlp-traces-endpoint", f"{endpoint}/v1/traces") if endpoint else ()


def find_weights(settings: LauncherSettings, deployment: Deployment) -> str:
    """The weights' folder if it exists, otherwise their name on the hub."""
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
