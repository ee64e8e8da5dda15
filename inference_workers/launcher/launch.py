"""Start, probe, warm up, restart and stop an engine, with every process that it starts.

    python -m inference_workers launch DEPLOYMENT

One launcher per deployment and host. The engine's state is in `status.json` beside its socket.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence

from inference_workers.config import LauncherSettings, load_launcher_settings
from inference_workers.deployments import Deployment
from inference_workers.errors import (
    EXIT_CONFIGURATION,
    EXIT_FAILURE,
    ConfigurationError,
    LaunchError,
    stop_process,
)
from inference_workers.fetching.fetch import needs_fetching
from inference_workers.launcher.fetching import fetch
from inference_workers.launcher.lock import lock_deployment
from inference_workers.launcher.preflight import (
    check_interpreter,
    check_machine,
    name_os_error,
    prepare_directory,
)
from inference_workers.launcher.process import adopt_orphans, stop_with_parent
from inference_workers.launcher.supervisor import EngineSupervisor
from inference_workers.launcher.vllm_command import build_command, build_environment
from inference_workers.logs import configure_logging
from inference_workers.multi_node.node import find_node
from inference_workers.multi_node.open import open_link


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until SIGTERM or SIGINT; on an error, print one line and exit with a code."""
    options = parse_arguments(arguments)
    try:
        settings = load_launcher_settings(options.deployment)
        configure_logging(level=settings.log_level, fmt=settings.log_format)
        deployment = settings.load_deployment()
        if options.stop_with_parent:
            stop_with_parent()
        try:
            asyncio.run(launch(settings, deployment))
        except OSError as error:
            where = error.filename or deployment.slug
            raise LaunchError(f"{where}: {name_os_error(error)}") from error
    except ConfigurationError as error:
        stop_process(str(error), code=EXIT_CONFIGURATION)
    except LaunchError as error:
        stop_process(str(error), code=EXIT_FAILURE)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m inference_workers launch", description="Run one deployment's engine."
    )
    parser.add_argument(
        "deployment", nargs="?", default="", help="a table of models.toml; default: DEPLOYMENT"
    )
    parser.add_argument(
        "--stop-with-parent",
        action="store_true",
        help="stop when the process that started this one dies",
    )
    return parser.parse_args(arguments)


async def launch(settings: LauncherSettings, deployment: Deployment) -> None:
    """Keep the engine running until a stop signal; raises `LaunchError`."""
    if settings.engine_url:
        raise ConfigurationError("ENGINE_URL is set: that engine does not run on this host")
    if deployment.engine != "vllm":
        raise ConfigurationError(
            f"DEPLOYMENT: {deployment.slug} has engine = {deployment.engine!r}; it needs "
            "no launcher, only a worker"
        )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    prepare_directory(settings.deployment_dir)
    prepare_directory(settings.socket.parent)
    lock_deployment(settings.deployment_dir)
    if needs_fetching(settings, deployment) and not await fetch(settings, deployment, stop=stop):
        return
    link = open_link(find_node(settings, deployment), deployment)
    command = build_command(settings, deployment)
    check_interpreter(settings)
    await asyncio.to_thread(check_machine, settings, deployment)
    adopt_orphans()
    env = build_environment(settings, deployment, inherited=os.environ)
    await EngineSupervisor(
        settings, deployment, command=command, env=env, stop=stop, link=link
    ).run()


if __name__ == "__main__":
    main()
