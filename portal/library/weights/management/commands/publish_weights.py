"""`manage.py publish_weights MODEL FOLDER`: publish a folder as a revision of a model's weights."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from portal.gate.catalog.models import HostedModel
from portal.library.weights.domain.publishing import publish
from portal.library.weights.rules import LARGE_FILE
from portal.platform.core.errors import DomainError


class Command(BaseCommand):
    """Hashes the files where they are; safe to repeat."""

    help = "Publish a folder below WEIGHTS_DIR as a new revision. Its files must never change."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", help="the slug of the model")
        parser.add_argument("folder", type=Path, help="the folder with the files")
        parser.add_argument(
            "--revision", default="", help="the revision's name (default: v and the next number)"
        )
        parser.add_argument(
            "--open",
            action="append",
            default=[],
            metavar="PATTERN",
            help='files that anybody may fetch without a grant, such as "*.json"; repeatable',
        )
        parser.add_argument(
            "--allow-pickles",
            action="store_true",
            help="also publish files whose loading runs code",
        )

    def handle(
        self, *, model: str, folder: Path, revision: str, open: list[str], allow_pickles: bool,  # noqa: A002 -- options
        verbosity: int, **_: object,
    ) -> None:  # fmt: skip
        found = HostedModel.objects.select_related("release").filter(slug=model).first()
        if found is None:
            known = ", ".join(HostedModel.objects.values_list("slug", flat=True))
            raise CommandError(f"MODEL: there is no {model} here (known: {known}).")
        try:
            made = publish(
                found,
                folder,
                name=revision,
                opened=open,
                allow_pickles=allow_pickles,
                told=self._tell if verbosity > 1 else lambda _: None,
            )
        except DomainError as error:
            raise CommandError(error.message) from None
        self._warn_of_large_files(made.revision.files.filter(size__gt=LARGE_FILE).count())
        done = "published" if made.is_new else "already published"
        self.stdout.write(f"{done} {made.revision}, commit {made.revision.commit}")

    def _tell(self, path: str) -> None:
        self.stderr.write(f"hashing {path}")

    def _warn_of_large_files(self, number: int) -> None:
        if number:
            self.stderr.write(
                f"{number} of the files are larger than 5 GB. Clients fetch a file from its "
                "beginning when they are started again, so smaller ones are better."
            )
