"""Publishing the code, notes and data that a release folder declares."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import timezone

from portal.gate.catalog.models import Release
from portal.gate.catalog.release_folder import RepositoryEntry, read_release_folder
from portal.gate.licensing.models import Licence
from portal.library.weights.domain.checks import find_faults, list_paths
from portal.library.weights.domain.manifest import make_commit, read_facts
from portal.library.weights.domain.publishing import Publication, publish
from portal.library.weights.models import Repository
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

PLACE: Final = "library"
"""The folder below WEIGHTS_DIR that keeps a copy of each revision."""
LEFT_OUT: Final = "__pycache__"


def publish_repositories(release_folder: Path) -> Iterator[Publication]:
    """Make every repository match the folder, and its files the newest revision.

    The files are copied, because those of a release folder may change and published ones must
    not. A repository that the folder no longer names remains. Raises `ReleaseFolderError`, and
    `DomainError`: `not_publishable` with all that is wrong with a repository.
    """
    for release in read_release_folder(release_folder).release:
        for entry in release.repository:
            yield _publish(release.slug, entry, release_folder)


def _publish(release: str, entry: RepositoryEntry, release_folder: Path) -> Publication:
    name, source = f"{release}/{entry.slug}", release_folder / entry.folder
    if not source.is_dir() or not source.resolve().is_relative_to(release_folder.resolve()):
        raise _refuse(name, f"{source} is not a folder of the release folder.")
    paths = [path for path in list_paths(source) if LEFT_OUT not in path.split("/")]
    if faults := find_faults(source, paths, allow_pickles=False):
        raise _refuse(name, "\n".join(faults))
    commit = make_commit(read_facts(source, paths, opened=(), told=lambda _: None))
    repository = _record(release, entry)
    found = repository.revisions.filter(commit=commit).first()
    if found is not None:
        return Publication(found, is_new=False)
    return publish(repository, _copy(source, Path(PLACE, release, entry.slug, commit)))


def _record(release: str, entry: RepositoryEntry) -> Repository:
    owner = Release.objects.filter(slug=release).first()
    if owner is None:
        raise _refuse(f"{release}/{entry.slug}", "The release is not loaded: run load_release.")
    licence = Licence.objects.filter(slug=entry.licence).first()
    values = entry.model_dump(include={"kind", "name", "summary", "audience"})
    values |= {"licence": licence, "spdx": "" if licence else entry.licence}
    values |= {"authors": list(entry.authors)}
    repository, _ = Repository.objects.update_or_create(
        release=owner,
        slug=entry.slug,
        defaults=values,
        create_defaults=values | {"created_at": timezone.now()},
    )
    return repository


def _copy(source: Path, place: Path) -> Path:
    """The folder below WEIGHTS_DIR with a whole copy of the files."""
    target = Path(settings.WEIGHTS_DIR) / place
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
            copy = Path(unfinished) / "copy"
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns(LEFT_OUT))
            copy.rename(target)
    except OSError as error:
        raise _refuse(str(source), f"It cannot be copied into WEIGHTS_DIR: {error}.") from None
    return target


def _refuse(what: str, message: str) -> DomainError:
    return DomainError(RefusalCode.NOT_PUBLISHABLE, f"{what}: {message}")
