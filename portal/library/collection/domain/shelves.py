"""What each release gives to read and to fetch."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Sum
from django.urls import reverse

from portal.gate.catalog.models import Release
from portal.library.logbook.models import Run
from portal.library.weights.domain.lookup import ROWS
from portal.library.weights.enums import RepositoryKind
from portal.library.weights.models import File, Revision


@dataclass(frozen=True)
class Holding:
    """A repository at its newest revision, as everybody may know of it."""

    revision: Revision
    files: int
    size: int

    @property
    def name(self) -> str:
        repository = self.revision.repository
        return repository.model.name if repository.is_weights else repository.name

    @property
    def url(self) -> str:
        repository = self.revision.repository
        if repository.is_weights:
            return reverse("weights:repository", args=[repository.model.slug])
        return reverse("collection:newest", args=[repository.release.slug, repository.slug])

    @property
    def audience(self) -> str:
        repository = self.revision.repository
        return "Holders of a grant" if repository.is_weights else repository.get_audience_display()


@dataclass(frozen=True)
class Shelf:
    """One release: its repositories, weights first, and the logbooks of its training."""

    release: Release
    holdings: list[Holding]
    runs: list[Run]


def list_shelves() -> list[Shelf]:
    """Every release, in its order; four queries."""
    holdings = _list_holdings()
    runs = list(Run.objects.filter(continuations=None).order_by("started_at", "pk"))
    return [
        Shelf(
            release,
            [each for each in holdings if each.revision.repository.of_release == release],
            [run for run in runs if run.release_id == release.pk],
        )
        for release in Release.objects.select_related("licence")
    ]


def list_newest(release: int) -> list[Revision]:
    """The newest revision of each of a release's code, notes and data."""
    own = ROWS.filter(repository__release=release)
    newest = own.order_by("repository", "-number").distinct("repository")
    return sorted(newest, key=_place)


def _list_holdings() -> list[Holding]:
    newest = list(ROWS.order_by("repository", "-number").distinct("repository"))
    sums = File.objects.filter(revision__in=newest).order_by().values("revision")
    of_revision = {
        row["revision"]: row for row in sums.annotate(files=Count("pk"), bytes=Sum("size"))
    }
    return [
        Holding(
            revision,
            files=of_revision[revision.pk]["files"],
            size=of_revision[revision.pk]["bytes"],
        )
        for revision in sorted(newest, key=_place)
    ]


def _place(revision: Revision) -> tuple[int, int, str]:
    repository = revision.repository
    kind = RepositoryKind.values.index(repository.kind)
    if repository.is_weights:
        return kind, repository.model.position, repository.model.slug
    return kind, 0, repository.slug
