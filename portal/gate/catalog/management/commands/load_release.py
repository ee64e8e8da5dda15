"""`manage.py load_release [PATH]`: load a release folder into the catalog."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.gate.catalog.domain.loading import LoadReport, load_release
from portal.gate.catalog.release_folder import ReleaseFolderError


class Command(BaseCommand):
    """Loads a release folder; safe to run at every deployment."""

    help = "Load a release folder: its licences, releases and models. Idempotent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path",
            nargs="?",
            type=Path,
            default=settings.RELEASE_DIR,
            help="the folder with release.toml (default: RELEASE_DIR)",
        )
        parser.add_argument(
            "--live",
            action="append",
            metavar="MODEL[=DEPLOYMENT]",
            help="serve exactly these models here, whatever the folder says; repeatable. "
            "DEPLOYMENT is a name in models.toml, by default the model's slug",
        )

    def handle(self, *, path: Path, live: list[str] | None, **_: object) -> None:
        try:
            report = load_release(path, live=_parse_live(live))
        except ReleaseFolderError as error:
            raise CommandError("\n".join(error.problems)) from None
        for line in _describe(report):
            self.stdout.write(line)


def _parse_live(live: list[str] | None) -> dict[str, str] | None:
    if live is None:
        return None
    pairs = [item.partition("=") for item in live]
    return {slug: deployment or slug for slug, _, deployment in pairs}


def _describe(report: LoadReport) -> list[str]:
    if report.is_empty:
        return ["The catalog already matches the folder."]
    return [
        *(f"published {version}" for version in report.published),
        *(f"loaded release {slug}" for slug in report.releases),
        *(f"loaded model {slug}" for slug in report.models),
        *(f"no longer served: {slug}" for slug in report.no_longer_served),
    ]
