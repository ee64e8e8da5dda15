"""`manage.py write_sample_run RUN FILE`: publish a run as the sample of its release."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from portal.lab.jobs.models import GenerationJob
from portal.lab.sharing.domain.sample import build_sample, write_sample
from portal.platform.core.errors import DomainError


class Command(BaseCommand):
    """Writes a file for a release folder; the database is not changed."""

    help = (
        "Write a run's prompt, tokens and log-probabilities to a file that `sample_run` of "
        "release.toml can name. Every visitor will read it: choose a run of your own."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=UUID, help="the run's id, as in the address of its page")
        parser.add_argument("file", type=Path, help="the file to write, in the release folder")

    def handle(self, *, run: UUID, file: Path, **_: object) -> None:
        jobs = GenerationJob.objects.filter(erased_at__isnull=True).select_related("model")
        job = jobs.filter(pk=run).first()
        if job is None:
            raise CommandError(f"There is no run {run}, or it was erased.")
        try:
            sample = build_sample(job)
        except DomainError as error:
            raise CommandError(error.message) from None
        file.write_text(write_sample(sample), encoding="utf-8")
        self.stdout.write(f"Wrote {len(sample.tokens)} tokens to {file}.")
