"""Addresses that the engine needs."""

from __future__ import annotations

from typing import Any

import pytest

from inference_workers.check.machine import Network
from inference_workers.check.network import check_external, check_network
from tests.inference_workers.check.machines import (
    OPT_175B,
    PACKAGED,
    find,
    judge,
    make_machine,
)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (Network(socket_path="/run/e/engine.sock"), [("ok", "/run/e/engine.sock")]),
        (
            Network(socket_path="/" + "x" * 107),
            [
                (
                    "problem",
                    (
                        f"the path /{'x' * 107} has 108 bytes; a socket's path may have 107: set "
                        "ENGINE_DIR to a shorter path"
                    ),
                )
            ],
        ),
        (
            Network(socket_path="/run/e/engine.sock", folder_error="/run is not writable"),
            [("problem", "/run is not writable: set ENGINE_DIR to a folder of this user")],
        ),
    ],
)
def test_socket(network: Network, expected: list[tuple[str, str]]) -> None:
    findings = check_network(OPT_175B, make_machine(OPT_175B, network=network))

    assert [judge(finding) for finding in findings] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"node_rank": 1}, ("ok", "this is node 1")),
        (
            {"node_error": "MASTER_ADDR is not set"},
            ("problem", "MASTER_ADDR is not set: docs/operations.md, two hosts"),
        ),
        (
            {"node_rank": 0, "busy_ports": (29501, 29502)},
            (
                "problem",
                (
                    "at node 0, ports 29501 and 29502 are in use: stop the process that uses it "
                    "(this deployment's own engine?), or set MASTER_PORT"
                ),
            ),
        ),
        (
            {
                "node_rank": 0,
                "address_error": "MASTER_ADDR 10.9.9.9 is not an address of this host",
            },
            (
                "problem",
                (
                    "MASTER_ADDR 10.9.9.9 is not an address of this host: set MASTER_ADDR to node "
                    "0's address on the internal network"
                ),
            ),
        ),
    ],
)
def test_node(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    deployment = PACKAGED["opt-175b-tp8-pp2"]
    network = Network(socket_path="/run/e/engine.sock", **changes)

    findings = list(check_network(deployment, make_machine(deployment, network=network)))

    assert judge(find(findings, "node")) == expected


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (
            Network(),
            ("problem", "ENGINE_URL is not set: set the address of the running engine"),
        ),
        (
            Network(engine_url="http://e", engine_error="does not respond"),
            ("problem", "http://e does not respond: start it, or correct ENGINE_URL"),
        ),
        (
            Network(engine_url="http://e", engine_models=(("other", 2048),)),
            (
                "problem",
                "http://e serves other, not opt-175b: start it with --served-model-name opt-175b",
            ),
        ),
        (
            Network(engine_url="http://e", engine_models=(("opt-175b", 1024),)),
            (
                "problem",
                (
                    "http://e has a context of 1,024 tokens, less than 2,048: lower max_model_len "
                    "in models.toml, or start the engine with more"
                ),
            ),
        ),
        (
            Network(engine_url="http://e", engine_models=(("opt-175b", 2048),)),
            ("ok", "http://e serves opt-175b"),
        ),
    ],
)
def test_engine_elsewhere(network: Network, expected: tuple[str, str]) -> None:
    deployment = PACKAGED["opt-175b-external"]

    assert judge(check_external(deployment, make_machine(deployment, network=network))) == expected
