"""All checks of one deployment, in the order in which an operator needs them."""

from __future__ import annotations

from collections.abc import Iterable

from inference_workers.check.finding import Finding, Level, ok
from inference_workers.check.gpus import check_gpus
from inference_workers.check.machine import Machine
from inference_workers.check.memory import check_memory
from inference_workers.check.network import check_external, check_network
from inference_workers.check.parallelism import check_model
from inference_workers.check.versions import check_versions
from inference_workers.check.weights import check_weights
from inference_workers.deployments import Deployment


def run_checks(deployment: Deployment, machine: Machine) -> list[Finding]:
    """All findings, from the two descriptions alone."""
    if deployment.engine == "scripted":
        return [ok("engine", "a stand-in inside the worker; it has no requirements")]
    if deployment.engine == "external" or machine.network.engine_url:
        return [check_external(deployment, machine)]
    return [
        *check_versions(deployment, machine),
        *check_model(deployment, machine),
        *check_gpus(deployment, machine),
        check_memory(deployment, machine),
        *check_weights(deployment, machine),
        *check_network(deployment, machine),
    ]


def find_problems(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that certainly prevent a start."""
    return [finding for finding in findings if finding.level is Level.PROBLEM]
