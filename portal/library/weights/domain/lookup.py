"""Repositories, revisions and files by the names that clients use."""

from __future__ import annotations

import re
from typing import Final

from django.db.models import Q

from portal.library.weights.enums import HubType, RepositoryKind
from portal.library.weights.models import File, Repository, Revision
from portal.library.weights.rules import COMMIT, MAIN
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

ROWS = Revision.objects.select_related(
    "repository__model__release__licence", "repository__release__licence", "repository__licence"
)
WEIGHTS: Final = Q(repository__kind=RepositoryKind.WEIGHTS)


def find_revision(repo: str, revision: str, *, of: HubType = HubType.MODELS) -> Revision:
    """The revision with a name or a commit; `main` is the newest.

    `repo` is `<release>/<model>` for weights, and `<release>/<slug>` in the Hub's list of
    datasets, where code, notes and data are.
    Raises `DomainError`: `repository_not_found`, `revision_not_found`.
    """
    own = ROWS.filter(_are_named(repo, of)).order_by("-number")
    if revision == MAIN:
        found = own.first()
    elif re.match(COMMIT, revision):
        found = own.filter(commit=revision).first()
    else:
        found = own.filter(name=revision).first()
    if found is not None:
        return found
    newest = own.first()
    if newest is None:
        raise DomainError(RefusalCode.REPOSITORY_NOT_FOUND, f"There is no repository {repo} here.")
    raise DomainError(
        RefusalCode.REVISION_NOT_FOUND,
        f"{repo} has no revision {revision[:60]}. The newest is {newest.name}.",
    )


def find_file(revision: Revision, path: str) -> File:
    """The file with exactly this path. Raises `DomainError`: `file_not_found`."""
    found = revision.files.filter(path=path).first() if "\0" not in path else None
    if found is None:
        raise DomainError(
            RefusalCode.FILE_NOT_FOUND, f"{revision} contains no {path[:200] or 'such file'}."
        )
    return found


def _are_named(repo: str, of: HubType) -> Q:
    release, _, name = repo.partition("/")
    if of == HubType.MODELS:
        return Q(repository__model__slug=name, repository__model__release__slug=release)
    return Q(repository__slug=name, repository__release__slug=release)


def list_revisions(repository: Repository) -> list[Revision]:
    """All revisions, newest first."""
    return list(ROWS.filter(repository=repository).order_by("-number"))
