"""`manage.py publish_library [PATH]`: publish the code, notes and data of a release folder."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.gate.catalog.release_folder import ReleaseFolderError
from portal.library.collection.domain.publishing import publish_repositories
from portal.platform.core.errors import DomainError


class Command(BaseCommand):
    """Publishes what has changed; safe to run at every deployment, after `load_release`."""

    help = "Publish the repositories that a release folder declares. Idempotent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path",
            nargs="?",
            type=Path,
            default=settings.RELEASE_DIR,
            help="the folder with release.toml (default: RELEASE_DIR)",
        )

    def handle(self, *, path: Path, **_: object) -> None:
        try:
            for made in publish_repositories(path):
                done = "published" if made.is_new else "already published"
                self.stdout.write(f"{done} {made.revision}, commit {made.revision.commit}")
        except ReleaseFolderError as error:
            raise CommandError("\n".join(error.problems)) from None
        except DomainError as error:
            raise CommandError(error.message) from None
