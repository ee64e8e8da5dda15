"""Structured logs: constant messages, values as fields."""

from __future__ import annotations

import logging
import sys

import structlog

from portal.platform.core.faults import QuietErrors, write_fault
from portal.platform.core.masking import mask_event


def configure_logging(*, level: str, log_format: str) -> None:
    """Send structlog's and the standard library's records to stderr, masked, in one format.

    `log_format` is `json` (one object per line) or `console`.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(write_fault),
                mask_event,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # uvicorn sets its own handlers before it loads the site.
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    logging.getLogger("celery.app.trace").filters = [QuietErrors()]
    # At DEBUG these log a task's arguments and a page's whole context, with its prompts.
    for talkative in ("celery.pool", "django.template"):
        logging.getLogger(talkative).setLevel(logging.INFO)
    # These also log the letters of the names on an agreement.
    noisy_ones = (
        "uvicorn.access",
        "celery.worker.strategy",
        "celery.app.trace",
        "fontTools",
        "fpdf",
    )
    for noisy in noisy_ones:
        logging.getLogger(noisy).setLevel(logging.WARNING)
