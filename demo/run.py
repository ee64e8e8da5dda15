"""Runs the whole site on this machine until a signal ends it."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

from demo.model_choice import choose_deployment
from demo.place import Place
from demo.preflight import HOST, check_port, hold_demo_lock, read_port
from demo.programs import site_environment, site_programs, worker_environment
from demo.services import stop_postgres
from demo.start import SiteData, prepare_site, prepare_weights, start_databases, write_card
from demo.supervisor import Supervisor
from demo.terminal import one_line_errors, say, step
from demo.watch import Watch
from inference_workers.deployments import Deployment
from inference_workers.errors import ConfigurationError


def main() -> None:
    """Start, supervise and stop the site; a refusal ends the process with one line."""
    with one_line_errors(ConfigurationError):
        place = Place.from_environment(os.environ)
        port = read_port(os.environ)
        with hold_demo_lock(place.var, note=f"http://{HOST}:{port}, process {os.getpid()}"):
            check_port(port)
            deployment = choose_deployment(os.environ.get("MODEL"), weights=place.weights)
            run_demo(place, port=port, deployment=deployment)


def run_demo(place: Place, *, port: int, deployment: Deployment) -> None:
    """Start everything, supervise it until a signal, and stop everything."""
    has_own_postgres = not os.environ.get("DATABASE_URL")
    supervisor = Supervisor()
    _begin_new_logs(place.logs)
    place.card.unlink(missing_ok=True)
    say("Gatehouse")
    try:
        prepare_weights(place, deployment=deployment.slug)
        watch = _start(place, supervisor, port=port, deployment=deployment)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: supervisor.request_stop())
        supervisor.run(watch)
    finally:
        say()
        # It tells scripts that a site is running.
        place.card.unlink(missing_ok=True)
        with step("Stopping"):
            supervisor.stop()
            if has_own_postgres:
                stop_postgres(place.postgres)


def _start(place: Place, supervisor: Supervisor, *, port: int, deployment: Deployment) -> Watch:
    database_url, redis_url = start_databases(place, supervisor, os.environ)
    site = site_environment(
        place, os.environ, port=port, database_url=database_url, redis_url=redis_url
    )
    data = prepare_site(place, site, deployment=deployment.queue_name)
    weights = place.weights / deployment.weights_folder_name
    url = f"http://{HOST}:{port}"
    worker = worker_environment(place, site, deployment=deployment.slug)
    web, *rest = site_programs(place, site, worker, port=port, deployment=deployment.slug)
    supervisor.start(web)
    return Watch(
        place,
        url=url,
        deployment=deployment,
        has_own_postgres=not os.environ.get("DATABASE_URL"),
        announce=partial(announce, place, url=url, site=data, weights=weights),
        start_the_rest=partial(supervisor.start, *rest),
    )


def announce(place: Place, *, url: str, site: SiteData, weights: Path) -> None:
    """Tell people and scripts where the site is and which accounts it has."""
    write_card(place, url=url, site=site, weights=weights)
    widths = [max(len(account[name]) for account in site.accounts) for name in ("role", "email")]
    say()
    say(f"  Gatehouse is at {url}")
    say()
    for account in site.accounts:
        say(
            f"    {account['role']:<{widths[0]}}   {account['email']:<{widths[1]}}   "
            f"{account['password']}"
        )
    say()
    say(f"  The researcher's API key is {site.api_key}")
    say(f"  Logs are in {place.logs}. Ctrl-C stops everything.")


def _begin_new_logs(folder: Path) -> None:
    """Keep the logs of the last start beside the new ones, and no more."""
    for log in folder.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))
