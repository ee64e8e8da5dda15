"""The portal's logs hold no prompt and no completion, whatever their level."""

from __future__ import annotations

import logging

import pytest
import redis
from django.test import Client

from portal.config.logging import configure_logging
from portal.jobs.domain.lifecycle import record_outcome, record_started
from portal.jobs.models import GenerationJob
from tests.factories.jobs import FakeWorker
from tests.observability.test_traces import SECRET, submit

pytestmark = pytest.mark.django_db(transaction=True)
COMPLETION = "a-very-secret-completion"


def test_a_runs_words_are_in_no_line_even_at_debug(
    client: Client, valkey: redis.Redis, capfd: pytest.CaptureFixture[str]
) -> None:
    handlers, level = logging.root.handlers, logging.root.level
    configure_logging(level="DEBUG", log_format="json")
    try:
        submit(client, valkey)
        job = GenerationJob.objects.get()
        worker = FakeWorker(valkey, job.pk)
        worker.start()
        record_started([worker.started_message()])
        worker.stream(COMPLETION)
        record_outcome(worker.outcome(worker.end()))
        client.get(f"/playground/runs/{job.pk}/")
        logging.getLogger("portal.tests").debug("the end")
    finally:
        logging.root.handlers = handlers
        logging.root.setLevel(level)

    written = capfd.readouterr().err
    assert written.count("the end") == 1
    assert [words for words in (SECRET, COMPLETION) if words in written] == []
