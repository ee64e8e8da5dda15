"""Erases a person's prompts and completions."""

from __future__ import annotations

from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, JSONField, TextField, Value
from django.db.models.functions import Cast

from portal.lab.jobs.domain.stopping import erase_jobs
from portal.lab.jobs.models import Call, GenerationJob
from portal.platform.accounts.models import User

QUOTING_PARAMS: Final = ["stop", "bad_words", "structure"]
"""Sampling parameters that contain a person's text; without them the defaults apply."""


def erase_runs(person: User, *, actor: User | None) -> None:
    """Stop and erase every run, with the texts in its parameters; counts and times are kept.

    Do not call it in a transaction: workers are told to stop before the rest is erased.
    """
    runs = GenerationJob.objects.filter(user=person)
    erase_jobs(runs, actor=actor)
    runs.update(params=without_quoting_params(), failure_detail="")
    Call.objects.filter(user=person).update(request={}, idempotency_key="")


def without_quoting_params() -> Func:
    """A run's parameters without those that contain a person's text, for an update."""
    quoting = Cast(Value(QUOTING_PARAMS), ArrayField(TextField()))
    return Func(
        F("params"), quoting, template="%(expressions)s", arg_joiner=" - ", output_field=JSONField()
    )
