"""Whether the addresses that the engine needs are available."""

from __future__ import annotations

import os
from collections.abc import Iterator

from inference_workers.check.finding import Finding, ok, problem, warning
from inference_workers.check.machine import Machine, Network
from inference_workers.config import UNIX_SOCKET_PATH_LIMIT
from inference_workers.deployments import Deployment


def check_network(deployment: Deployment, machine: Machine) -> Iterator[Finding]:
    """Check the worker's socket, and the address where several hosts meet."""
    network = machine.network
    if not network.node_rank:
        yield check_socket(network)
    if deployment.needs_launcher_per_node:
        yield check_node(network)


def check_socket(network: Network) -> Finding:
    """Check the socket through which the worker reaches the engine; its path must be short."""
    length = len(os.fsencode(network.socket_path))
    if length > UNIX_SOCKET_PATH_LIMIT:
        return problem(
            "socket",
            f"the path {network.socket_path} has {length} bytes; a socket's path may have "
            f"{UNIX_SOCKET_PATH_LIMIT}",
            "set ENGINE_DIR to a shorter path",
        )
    if network.folder_error:
        return problem("socket", network.folder_error, "set ENGINE_DIR to a folder of this user")
    return ok("socket", network.socket_path)


def check_node(network: Network) -> Finding:
    """Check node 0, where the launchers and vLLM's ranks meet."""
    if network.node_error:
        return problem("node", network.node_error, "docs/operations.md, two hosts")
    if network.address_error:
        return problem(
            "node",
            network.address_error,
            "set MASTER_ADDR to node 0's address on the internal network",
        )
    if network.busy_ports:
        ports = " and ".join(str(port) for port in network.busy_ports)
        taken = f"port {ports} is" if len(network.busy_ports) == 1 else f"ports {ports} are"
        return problem(
            "node",
            f"at node 0, {taken} in use",
            "stop the process that uses it (this deployment's own engine?), or set MASTER_PORT",
        )
    return ok("node", f"this is node {network.node_rank}")


def check_external(deployment: Deployment, machine: Machine) -> Finding:
    """Check that an engine run by others serves what the deployment says."""
    network, name = machine.network, deployment.model_name
    if not network.engine_url:
        return problem("engine", "ENGINE_URL is not set", "set the address of the running engine")
    if network.engine_error:
        return problem(
            "engine",
            f"{network.engine_url} {network.engine_error}",
            "start it, or correct ENGINE_URL",
        )
    contexts = dict(network.engine_models)
    if name not in contexts:
        served = ", ".join(contexts) or "nothing"
        return problem(
            "engine",
            f"{network.engine_url} serves {served}, not {name}",
            f"start it with --served-model-name {name}",
        )
    if contexts[name] < deployment.max_model_len:
        return problem(
            "engine",
            f"{network.engine_url} has a context of {contexts[name]:,} tokens, less than "
            f"{deployment.max_model_len:,}",
            "lower max_model_len in models.toml, or start the engine with more",
        )
    if contexts[name] > deployment.max_model_len:
        return warning(
            "engine",
            f"{network.engine_url} has a context of {contexts[name]:,} tokens",
            f"users get the {deployment.max_model_len:,} of models.toml",
        )
    return ok("engine", f"{network.engine_url} serves {name}")
