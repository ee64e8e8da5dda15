"""`manage.py load_logbook [PATH]`: load the logbooks of a release folder."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.library.logbook.domain.loading import load_logbooks
from portal.library.logbook.folder import LogbookFolderError


class Command(BaseCommand):
    """Loads logbooks; safe to run at every deployment, after `load_release`."""

    help = "Load the logbooks of a release folder: runs, entries, metrics. Idempotent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path",
            nargs="?",
            type=Path,
            default=settings.RELEASE_DIR,
            help="the folder with logbook/ (default: RELEASE_DIR)",
        )

    def handle(self, *, path: Path, **_: object) -> None:
        try:
            report = load_logbooks(path)
        except LogbookFolderError as error:
            raise CommandError("\n".join(error.problems)) from None
        for slug in report.loaded:
            self.stdout.write(f"loaded logbook of {slug}")
        for slug in report.removed:
            self.stdout.write(f"removed logbook of {slug}")
        if not (report.loaded or report.removed):
            self.stdout.write("The logbooks already match the folder.")
