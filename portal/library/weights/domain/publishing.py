"""Publishing a folder as an immutable revision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.gate.catalog.models import HostedModel
from portal.library.weights.domain.checks import find_faults, list_paths
from portal.library.weights.domain.manifest import FileFacts, make_commit, read_facts
from portal.library.weights.models import File, FileText, Repository, Revision
from portal.library.weights.rules import LONGEST_TEXT, is_revision_name
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


@dataclass(frozen=True)
class Publication:
    """The revision, and whether it is new."""

    revision: Revision
    is_new: bool


def publish(
    of: HostedModel | Repository,
    folder: Path,
    *,
    name: str = "",
    opened: Sequence[str] = (),
    allow_pickles: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Publication:
    """Make the folder's files the newest revision of a model's weights, or of a repository.

    The files stay where they are, and must never change. The same files are published once:
    then the existing revision is returned. `name` is by default `v` and a number; `opened` are
    patterns of paths that anybody may fetch. `told` hears the path of each file before it is
    hashed. Raises `DomainError`: `not_publishable` with everything that is wrong,
    `revision_taken`.
    """
    place = _require_place(folder)
    if name and not is_revision_name(name):
        raise DomainError(
            RefusalCode.INVALID_VALUE,
            f"{name} cannot name a revision. Use up to 50 letters and digits with single dots, "
            "hyphens or underscores between them; neither “main” nor what looks like a commit.",
            field="revision",
        )
    paths = list_paths(folder)
    if faults := find_faults(folder, paths, allow_pickles=allow_pickles):
        raise DomainError(RefusalCode.NOT_PUBLISHABLE, "\n".join(faults))
    facts = read_facts(folder, paths, opened=opened, told=told)
    return _store(of, facts, place=place, name=name)


@transaction.atomic
def _store(
    of: HostedModel | Repository, facts: list[FileFacts], *, place: str, name: str
) -> Publication:
    now, commit = timezone.now(), make_commit(facts)
    if isinstance(of, HostedModel):
        of, _ = Repository.objects.get_or_create(model=of, defaults={"created_at": now})
    # Two publications at once take turns.
    repository = Repository.objects.select_for_update(of=("self",)).get(pk=of.pk)
    if (same := repository.revisions.filter(commit=commit).first()) is not None:
        if name and name != same.name:
            raise _taken(f"These files are already published, as {same.name}.")
        return Publication(same, is_new=False)
    newest = repository.revisions.first()
    number = newest.number + 1 if newest else 1
    name = name or f"v{number}"
    if repository.revisions.filter(name=name).exists():
        raise _taken(f"{name} is published with other files, and revisions never change.")
    revision = Revision.objects.create(
        repository=repository, number=number, name=name, commit=commit, folder=place,
        published_at=now,
    )  # fmt: skip
    File.objects.bulk_create(
        File(
            revision=revision, path=fact.path, size=fact.size, sha256=fact.sha256,
            blob=fact.blob, is_open=fact.is_open,
        )
        for fact in facts
    )  # fmt: skip
    if not repository.is_weights:
        _store_texts(revision)
    record(
        AuditTag.WEIGHTS_PUBLISHED,
        actor=None,
        subject=f"weights:{commit}",
        data=_name(repository) | {"revision": name, "files": len(facts)},
    )
    return Publication(revision, is_new=True)


def _name(repository: Repository) -> dict[str, object]:
    if repository.is_weights:
        return {"model": repository.model.slug}
    return {"repository": str(repository)}


def _store_texts(revision: Revision) -> None:
    """The texts that pages show and the search finds."""
    texts = [
        FileText(file=file, text=text)
        for file in revision.files.filter(size__gt=0, size__lte=LONGEST_TEXT)
        if (text := _read_text(settings.WEIGHTS_DIR / revision.folder / file.path))
    ]
    FileText.objects.bulk_create(texts)


def _read_text(file: Path) -> str:
    """The file's text; empty if it is not text."""
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def _taken(message: str) -> DomainError:
    return DomainError(
        RefusalCode.REVISION_TAKEN, f"{message} Choose another name.", field="revision"
    )


def _require_place(folder: Path) -> str:
    """The folder's path below WEIGHTS_DIR."""
    root = settings.WEIGHTS_DIR.resolve()
    if not folder.is_dir() or not folder.resolve().is_relative_to(root) or folder.resolve() == root:
        raise DomainError(
            RefusalCode.NOT_PUBLISHABLE,
            f"{folder} is not a folder below WEIGHTS_DIR, which is {root}.",
            field="folder",
        )
    return folder.resolve().relative_to(root).as_posix()
