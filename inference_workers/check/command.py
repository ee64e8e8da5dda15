"""Report whether this machine can run a deployment, and why not, before anything is loaded.

    python -m inference_workers check DEPLOYMENT|MODEL [--json] [--verify-weights] [--offline]

The exit code is 0 if nothing prevents a start, 1 if something does, and 2 if the settings are
wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from capacity.errors import PlanError
from inference_workers.check.facts.gather import gather
from inference_workers.check.facts.gpus import read_gpus
from inference_workers.check.finding import Finding, count, warning
from inference_workers.check.machine import Machine, format_bytes
from inference_workers.check.run import find_problems, run_checks
from inference_workers.check.weights_manifest import hash_weights
from inference_workers.config import VISIBLE_DEVICES, LauncherSettings, load_launcher_settings
from inference_workers.deployments import Deployment
from inference_workers.errors import (
    EXIT_CONFIGURATION,
    EXIT_FAILURE,
    ConfigurationError,
    stop_process,
)
from inference_workers.names import find_named, propose_deployment


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line for each check, and exit with the code for the result."""
    options = parse_arguments(arguments)
    try:
        settings = load_launcher_settings(options.deployment)
        deployment, remarks = find_deployment(settings)
        machine = gather(settings, deployment, ask_hub=not options.offline)
        if options.verify_weights:
            machine = verify_weights(machine)
    except (ConfigurationError, PlanError) as error:
        stop_process(str(error), code=EXIT_CONFIGURATION)
    except OSError as error:
        stop_process(f"{error.filename}: {error.strerror}", code=EXIT_FAILURE)
    findings = [*remarks, *run_checks(deployment, machine)]
    if options.json:
        sys.stdout.write(render_json(deployment, findings))
    else:
        sys.stdout.write(render_lines(deployment, findings))
    raise SystemExit(EXIT_FAILURE if find_problems(findings) else 0)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m inference_workers check",
        description="Report whether this machine can run a deployment, and why not.",
    )
    parser.add_argument(
        "deployment",
        nargs="?",
        default="",
        metavar="DEPLOYMENT|MODEL",
        help="a table of models.toml, or a known model; default: the variable DEPLOYMENT",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--verify-weights",
        action="store_true",
        help="read all weights and compare their hash; takes minutes for large models",
    )
    parser.add_argument("--offline", action="store_true", help="do not contact the model hub")
    return parser.parse_args(arguments)


def find_deployment(settings: LauncherSettings) -> tuple[Deployment, list[Finding]]:
    """The deployment or, for a known model, a proposal for this host with a warning."""
    found = find_named(settings.models_file, settings.deployment)
    if isinstance(found, Deployment):
        return settings.load_deployment(), []
    gpus, _ = read_gpus(os.environ.get(VISIBLE_DEVICES))
    deployment = propose_deployment(found, gpus=len(gpus))
    remark = warning(
        "deployment",
        f"{settings.models_file} has no {deployment.slug}; assuming "
        f"{count(deployment.world_size, 'rank')} with its full context",
        "add a table before you start the deployment",
    )
    return deployment, [remark]


def verify_weights(machine: Machine) -> Machine:
    """The same machine with the hash of its weights, if there are any."""
    if not machine.weights.has_folder:
        return machine
    digest = hash_weights(Path(machine.weights.folder), progress=show_progress)
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    return replace(machine, weights=replace(machine.weights, sha256=digest))


def show_progress(done: int, total: int) -> None:
    """Show progress in one line that is overwritten, if stderr is a terminal."""
    if sys.stderr.isatty():
        percent = 100 * done // max(1, total)
        sys.stderr.write(
            f"\rreading weights: {format_bytes(done)} of {format_bytes(total)}, {percent} %"
        )
        sys.stderr.flush()


def render_lines(deployment: Deployment, findings: Sequence[Finding]) -> str:
    """One line for each finding, then the result."""
    width = max(len(finding.check) for finding in findings)
    lines = [
        f"{finding.level:<8} {finding.check:<{width}}  {finding.sentence}" for finding in findings
    ]
    problems = len(find_problems(findings))
    verdict = (
        f"{deployment.slug} cannot run here: {problems} problem{'s' if problems > 1 else ''}."
        if problems
        else f"Nothing prevents {deployment.slug} from running here."
    )
    return "\n".join([*lines, verdict]) + "\n"


def render_json(deployment: Deployment, findings: Sequence[Finding]) -> str:
    """The findings as JSON, for programs."""
    document = {
        "deployment": deployment.slug,
        "queue": deployment.queue_name,
        "can_run": not find_problems(findings),
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
