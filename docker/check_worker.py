"""Health check of an inference worker's container: did this host's worker send a heartbeat?

Heartbeats expire, so one that exists is recent.
"""

from __future__ import annotations

import socket
import sys

import redis

from inference_workers.config import load_worker_settings
from inference_workers.contract import WORKERS_KEY, worker_key

SECONDS = 5


def is_beating(client: redis.Redis, *, deployment: str, host: str) -> bool:
    """Return whether a worker of the deployment on this host has a current heartbeat."""
    prefix = f"{deployment}@{host}."
    workers = [str(name) for name in client.zrange(WORKERS_KEY, 0, -1)]
    return any(client.exists(worker_key(name)) for name in workers if name.startswith(prefix))


def main() -> int:
    settings = load_worker_settings()
    with redis.Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
    ) as client:
        beating = is_beating(client, deployment=settings.deployment, host=socket.gethostname())
    return 0 if beating else 1


if __name__ == "__main__":
    sys.exit(main())
