"""The portal's logs contain no prompt and no completion at any level."""

from __future__ import annotations

import logging
from smtplib import SMTPDataError
from types import TracebackType

import pytest
import redis
from django.db import DataError, OperationalError
from django.test import Client

from portal.lab.jobs.domain.lifecycle import record_outcome, record_started
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.errors import DomainError
from portal.platform.core.faults import write_fault
from portal.platform.core.refusals import RefusalCode
from tests.desk.observability.test_traces import SECRET, submit
from tests.factories.jobs import FakeWorker
from tests.factories.logs import site_log

pytestmark = pytest.mark.django_db(transaction=True)
COMPLETION = "a-very-secret-completion"


def test_a_runs_words_are_in_no_line_even_at_debug(
    client: Client, valkey: redis.Redis, capfd: pytest.CaptureFixture[str]
) -> None:
    with site_log(level="DEBUG"):
        submit(client, valkey)
        job = GenerationJob.objects.get()
        worker = FakeWorker(valkey, job.pk)
        worker.start()
        record_started([worker.started_message()])
        worker.stream(COMPLETION)
        record_outcome(worker.outcome(worker.end()))
        client.get(f"/playground/runs/{job.pk}/")
        logging.getLogger("portal.tests").debug("the end")

    written = capfd.readouterr().err
    assert written.count("the end") == 1
    assert [words for words in (SECRET, COMPLETION) if words in written] == []


def fail_with(error: Exception) -> tuple[type[Exception], Exception, TracebackType | None]:
    try:
        raise error
    except type(error) as raised:
        return type(raised), raised, raised.__traceback__


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError(SECRET), "ValueError"),
        (KeyError(SECRET), "KeyError"),
        (DomainError(RefusalCode.INVALID_VALUE, SECRET), "portal.platform.core.errors.DomainError"),
        (DataError(f"bad\nCONTEXT: {SECRET}"), "django.db.utils.DataError"),
        (SMTPDataError(550, SECRET.encode()), "smtplib.SMTPDataError"),
        (ConnectionRefusedError(111, "refused"), "ConnectionRefusedError: [Errno 111] refused"),
        (
            OperationalError(f"connection failed\nDETAIL: {SECRET}"),
            "django.db.utils.OperationalError: connection failed",
        ),
    ],
)
def test_an_error_is_told_by_its_kind_and_place(error: Exception, told: str) -> None:
    lines = write_fault(fail_with(error)).splitlines()
    assert (lines[0], lines[-1]) == ("Traceback (most recent call last):", told)
    assert [line for line in lines if SECRET in line] == []


def test_what_led_to_an_error_is_told_first() -> None:
    error = RuntimeError(SECRET)
    error.__cause__ = DataError(SECRET)
    lines = write_fault(fail_with(error)).splitlines()
    kinds = [line for line in lines if line.endswith("Error")]
    assert kinds == ["django.db.utils.DataError", "RuntimeError"]


def test_celery_says_which_task_failed_and_not_over_what(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with site_log():
        logging.getLogger("celery.app.trace").error(
            "Task %(name)s[%(id)s] %(description)s: %(exc)s",
            {"name": "a.task", "id": "1", "description": "raised", "exc": f"KeyError('{SECRET}')"},
            exc_info=fail_with(KeyError(SECRET)),
        )
    written = capfd.readouterr().err
    assert ("Task a.task[1] raised: KeyError" in written, SECRET in written) == (True, False)
