"""Test the addresses that the engine needs, without keeping them open."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from inference_workers.check.machine import Network
from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from inference_workers.errors import ConfigurationError
from inference_workers.multi_node.node import Node, find_node

ENGINE_SECONDS = 5


def read_network(settings: LauncherSettings, deployment: Deployment) -> Network:
    """What this host can find out about the addresses."""
    if settings.engine_url or deployment.engine != "vllm":
        return _ask_engine(settings.engine_url)
    node, node_error, address_error = None, "", ""
    busy_ports: tuple[int, ...] = ()
    try:
        node = find_node(settings, deployment)
    except ConfigurationError as error:
        node_error = str(error)
    if node is not None:
        busy_ports, address_error = _try_node(node)
    return Network(
        socket_path=os.fspath(settings.socket.absolute()),
        folder_error=_find_folder_error(settings.socket.absolute().parent),
        node_error=node_error,
        node_rank=node.rank if node is not None else settings.node_rank,
        busy_ports=busy_ports,
        address_error=address_error,
    )


def _find_folder_error(folder: Path) -> str:
    place = next(place for place in (folder, *folder.parents) if place.exists())
    if not place.is_dir():
        return f"{place} is not a folder"
    return "" if os.access(place, os.W_OK | os.X_OK) else f"{place} is not writable"


def _try_node(node: Node) -> tuple[tuple[int, ...], str]:
    """Node 0's ports that are in use, and what is wrong with its address, seen from this host."""
    try:
        found = socket.getaddrinfo(node.master_addr, node.master_port, type=socket.SOCK_STREAM)
    except OSError as error:
        return (), f"MASTER_ADDR {node.master_addr} cannot be resolved: {error.strerror}"
    if node.is_headless:
        return (), ""
    family, _, _, _, address = found[0]
    busy = []
    for port in (node.master_port, node.link_port):
        with socket.socket(family, socket.SOCK_STREAM) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((address[0], port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    busy.append(port)
                else:
                    return (), f"MASTER_ADDR {node.master_addr} is not an address of this host"
    return tuple(busy), ""


def _ask_engine(url: str) -> Network:
    if not url:
        return Network()
    try:
        with urlopen(f"{url}/v1/models", timeout=ENGINE_SECONDS) as reply:  # noqa: S310 -- checked by settings
            models: list[dict[str, Any]] = json.load(reply)["data"]
        served = tuple((str(model["id"]), int(model["max_model_len"])) for model in models)
    except HTTPError as error:
        return Network(engine_url=url, engine_error=f"returns {error.code} for /v1/models")
    except OSError:
        return Network(engine_url=url, engine_error="does not respond")
    except (ValueError, KeyError, TypeError):
        return Network(engine_url=url, engine_error="responds, but not like vLLM")
    return Network(engine_url=url, engine_models=served)
