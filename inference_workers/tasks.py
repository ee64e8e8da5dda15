"""The worker's only task."""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.exceptions import Reject
from pydantic import ValidationError

from inference_workers.celery import app, deployment, runtime
from inference_workers.contract import TASK_GENERATE, GenerationRequest
from inference_workers.lifecycle import JobResult
from inference_workers.logs import get_logger
from tracing import TRACEPARENT

log = get_logger(__name__)


@app.task(bind=True, name=TASK_GENERATE, acks_late=True, ignore_result=True)
def generate(self: Task[Any, Any], request: dict[str, Any]) -> None:
    """Run one job. A second delivery is harmless; a job handed over goes back to the queue."""
    try:
        job = GenerationRequest.model_validate(request)
    except ValidationError as error:
        # Log only the fields' names: the values contain the prompt.
        places = [".".join(map(str, fault["loc"])) for fault in error.errors()]
        log.error("request_not_understood", fields=places)  # noqa: TRY400 -- the trace quotes the prompt
        return
    if job.deployment != deployment.queue_name:
        log.error("request_for_another_deployment", wanted=job.deployment)
        return
    traceparent = str((self.request.headers or {}).get(TRACEPARENT, ""))
    if runtime.run_job(job, traceparent=traceparent) is JobResult.HANDED_OVER:
        raise Reject("handed over", requeue=True)
