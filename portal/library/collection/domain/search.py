"""Search over all that a reader may read: cards, the files of repositories, entries of logbooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchRank, SearchVector
from django.db.models import F, QuerySet
from django.urls import reverse

from portal.gate.catalog.models import HostedModel, Release
from portal.gate.licensing.domain.readers import Reader, list_signed
from portal.gate.licensing.models import Licence
from portal.library.logbook.domain.entries import MARK_END, MARK_START
from portal.library.logbook.domain.reading import readable_runs
from portal.library.logbook.models import Entry, Run
from portal.library.weights.domain.permission import readable_repositories
from portal.library.weights.models import SEARCH_CONFIG, FileText, Repository, Revision

MOST: Final = 20
"""Hits of each kind, the best ones."""


@dataclass(frozen=True)
class Hit:
    """A place with the words; hits in the excerpt are between MARK_START and MARK_END."""

    title: str
    where: str
    url: str
    excerpt: str
    rank: float


def search(words: str, reader: Reader, *, at: datetime) -> list[Hit]:
    """The best hits of each kind, the best of all first; five queries, and those of signatures."""
    query = SearchQuery(words, config=SEARCH_CONFIG, search_type="websearch")
    signed = list_signed(reader, at=at)
    hits = [
        *_search_files(query, signed),
        *_search_entries(query, signed),
        *_search_card(query, "model_card", "Model card"),
        *_search_card(query, "data_card", "Data card"),
        *_search_models(query),
    ]
    return sorted(hits, key=lambda hit: -hit.rank)


def _search_files(query: SearchQuery, signed: list[Licence]) -> Iterator[Hit]:
    readable = Repository.objects.filter(readable_repositories(signed))
    newest = (
        Revision.objects.filter(repository__in=readable)
        .order_by("repository", "-number")
        .distinct("repository")
    )
    texts = FileText.objects.filter(file__revision__in=newest.values("pk")).select_related(
        "file__revision__repository__release"
    )
    for text in _find(texts.defer("text", "search"), query, "text", vector=F("search")):
        revision = text.file.revision
        repository = revision.repository
        yield Hit(
            text.file.path,
            f"{repository.name}, {revision.name}",
            reverse(
                "collection:file",
                args=[
                    repository.release.slug, repository.slug, revision.name, text.file.path,
                ],
            ),
            text.excerpt,
            text.rank,
        )  # fmt: skip


def _search_entries(query: SearchQuery, signed: list[Licence]) -> Iterator[Hit]:
    readable = Run.objects.filter(readable_runs(signed))
    entries = Entry.objects.filter(run__in=readable).select_related("run").defer("search")
    for entry in _find(entries, query, "body", vector=F("search")):
        yield Hit(
            entry.title,
            f"Logbook of {entry.run.name}",
            entry.get_absolute_url(),
            entry.excerpt,
            entry.rank,
        )


def _search_card(query: SearchQuery, field: str, name: str) -> Iterator[Hit]:
    for release in _find(Release.objects.all(), query, field):
        yield Hit(
            name, release.name, reverse(f"catalog:{field}", args=[release.slug]), release.excerpt,
            release.rank,
        )  # fmt: skip


def _search_models(query: SearchQuery) -> Iterator[Hit]:
    for model in _find(HostedModel.objects.select_related("release"), query, "summary"):
        yield Hit(
            model.name, model.release.name, reverse("catalog:model", args=[model.slug]),
            model.excerpt, model.rank,
        )  # fmt: skip


def _find(
    rows: QuerySet[Any], query: SearchQuery, field: str, *, vector: F | None = None
) -> QuerySet[Any]:
    """The best rows, with `rank` and `excerpt`; `vector` is the row's own, if it has one."""
    searched = vector or SearchVector(field, config=SEARCH_CONFIG)
    found: QuerySet[Any] = (
        rows.alias(searched=searched)
        .filter(searched=query)
        .annotate(
            rank=SearchRank(searched, query),
            excerpt=SearchHeadline(
                field, query, config=SEARCH_CONFIG, start_sel=MARK_START, stop_sel=MARK_END,
                max_fragments=2,
            ),
        )
        .order_by("-rank", "pk")[:MOST]
    )  # fmt: skip
    return found
