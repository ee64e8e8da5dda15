"""The Celery app: `celery -A inference_workers worker` serves the deployment in DEPLOYMENT.

The pool has one thread for each sequence that the engine batches. The threads only wait; all
work is done on one event loop. Prefork and gevent are refused, because each process or hub would
have its own loop and could not batch.
"""

from __future__ import annotations

import gc
import warnings
from typing import Any

from celery import Celery
from celery.concurrency.thread import TaskPool
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging, worker_init, worker_shutdown, worker_shutting_down

from inference_workers.broker.celery_transport import keep_clients
from inference_workers.config import load_or_stop
from inference_workers.contract import QUEUE_PORTAL, Message, queue_for
from inference_workers.errors import EXIT_CONFIGURATION, stop_process
from inference_workers.logs import configure_logging
from inference_workers.runtime import Runtime
from inference_workers.worker import Worker
from tracing import configure_tracing

VISIBILITY_TIMEOUT_SECONDS = 3600
"""Longer than any job's deadline; the lease drops a message that is delivered twice anyway."""

# Celery warns about running as root because of pickled messages; this app accepts only JSON.
warnings.simplefilter("ignore", SecurityWarning)

keep_clients()
settings, deployment = load_or_stop()
QUEUE = queue_for(deployment.queue_name)

app = Celery("inference_workers", include=["inference_workers.tasks"])
app.conf.update(
    broker_url=settings.celery_broker_url,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
    },
    accept_content=["json"],
    task_serializer="json",
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_ignore_result=True,
    worker_pool="threads",
    worker_concurrency=deployment.max_num_seqs,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
)


def send_to_portal(task: str, message: Message) -> None:
    """Send one task to the portal's queue; raises without a retry if the broker is unreachable."""
    payload = message.model_dump(mode="json")
    app.send_task(
        task,
        args=[payload],
        queue=QUEUE_PORTAL,
        # Celery would write out the arguments, with the whole completion, only for its logs.
        argsrepr="",
        kwargsrepr="",
        retry=False,
        ignore_result=True,
    )


runtime = Runtime(
    lambda: Worker(settings, deployment, send=send_to_portal),
    grace_seconds=settings.shutdown_grace_seconds,
)


@setup_logging.connect
def _configure_logging(**_: Any) -> None:
    configure_logging(level=settings.log_level, fmt=settings.log_format)


@worker_init.connect
def _start(sender: Any, **_: Any) -> None:  # noqa: ANN401 -- its pool_cls is in no stub
    """Refuse a setup that cannot work, then start; runs once, before the first message."""
    pool = sender.pool_cls
    if pool not in ("threads", TaskPool):
        name = pool if isinstance(pool, str) else f"{pool.__module__}.{pool.__name__}"
        stop_process(f"--pool must be threads, not {name}", code=EXIT_CONFIGURATION)
    queues = set(app.amqp.queues.consume_from)
    if queues != {QUEUE}:
        stop_process(
            f"--queues must be {QUEUE}, the queue of DEPLOYMENT={deployment.slug}, "
            f"not {', '.join(sorted(queues))}",
            code=EXIT_CONFIGURATION,
        )
    configure_logging(level=settings.log_level, fmt=settings.log_format)
    configure_tracing(
        endpoint=settings.otel_exporter_otlp_endpoint, service_name="gatehouse-inference-worker"
    )
    runtime.start()
    # A garbage collection of everything loaded would stop every stream for 50 ms.
    gc.collect()
    gc.freeze()


@worker_shutting_down.connect
def _begin_shutdown(**_: Any) -> None:
    runtime.begin_shutdown()


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    runtime.stop()
