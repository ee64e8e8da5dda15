"""Fetch a deployment's weights before its launcher needs them.

    python -m inference_workers fetch DEPLOYMENT

The launcher does the same by itself. The hub and the key are HF_ENDPOINT and HF_TOKEN, or
HF_TOKEN_PATH for a file with the key.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from inference_workers.config import load_launcher_settings
from inference_workers.errors import (
    EXIT_CONFIGURATION,
    EXIT_FAILURE,
    ConfigurationError,
    LaunchError,
    stop_process,
)
from inference_workers.fetching.fetch import fetch_weights, needs_fetching


def main(arguments: Sequence[str] | None = None) -> None:
    """Fetch what is missing; on an error, print one line and exit with a code."""
    parser = argparse.ArgumentParser(
        prog="python -m inference_workers fetch", description="Fetch a deployment's weights."
    )
    parser.add_argument(
        "deployment", nargs="?", default="", help="a table of models.toml; default: DEPLOYMENT"
    )
    options = parser.parse_args(arguments)
    try:
        settings = load_launcher_settings(options.deployment)
        deployment = settings.load_deployment()
        if needs_fetching(settings, deployment):
            fetch_weights(settings, deployment, report=_show, wait=_sleep)
    except ConfigurationError as error:
        stop_process(str(error), code=EXIT_CONFIGURATION)
    except LaunchError as error:
        stop_process(str(error), code=EXIT_FAILURE)
    except OSError as error:
        stop_process(f"{error.filename}: {error.strerror}", code=EXIT_FAILURE)


def _show(words: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{words}")


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False
