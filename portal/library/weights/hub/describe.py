"""Repositories, revisions and files as the Hub's clients read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from portal.gate.keys.models import ApiKey
from portal.library.weights.domain.manifest import blob_id, write_pointer
from portal.library.weights.enums import Audience
from portal.library.weights.models import File, Repository, Revision
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

AUTHOR: Final = "publisher"


def describe_repository(
    revision: Revision, files: Sequence[File], *, with_blobs: bool
) -> dict[str, Any]:
    """A repository at a revision, with its files."""
    repository = revision.repository
    name = str(repository)
    described = {
        "_id": f"{revision.repository_id:024x}",
        "id": name,
        "author": repository.of_release.slug,
        "sha": revision.commit,
        "lastModified": _spell(revision.published_at),
        "createdAt": _spell(repository.created_at),
        "private": False,
        "gated": "manual" if _needs_more(repository, files) else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": [_describe_sibling(file, with_blobs=with_blobs) for file in files],
    }
    return described | ({"modelId": name} if repository.is_weights else {})


def _needs_more(repository: Repository, files: Sequence[File]) -> bool:
    """Whether some of the files are not for everybody."""
    if repository.is_weights:
        return not all(file.is_open for file in files)
    return repository.audience != Audience.PUBLIC


def list_tree(
    revision: Revision, files: Iterable[File], *, folder: str, is_recursive: bool, expand: bool
) -> list[dict[str, Any]]:
    """The entries of a folder: files, and folders as far as they are asked for.

    Raises `DomainError` with code `file_not_found` for a folder without files.
    """
    start = f"{folder}/" if folder else ""
    inside = [file for file in files if file.path.startswith(start)]
    if folder and not inside:
        raise DomainError(
            RefusalCode.FILE_NOT_FOUND, f"{revision} contains no folder {folder[:200]}."
        )
    entries, told = [], set()
    for file in inside:
        parts = file.path[len(start) :].split("/")
        for depth in range(1, len(parts)) if is_recursive else range(1, min(2, len(parts))):
            path = start + "/".join(parts[:depth])
            if path not in told:
                told.add(path)
                entries.append(_describe_folder(revision, path, expand=expand))
        if is_recursive or len(parts) == 1:
            entries.append(describe_file(revision, file, expand=expand))
    return entries


def describe_file(revision: Revision, file: File, *, expand: bool) -> dict[str, Any]:
    """A file as an entry of a tree."""
    entry: dict[str, Any] = {
        "type": "file", "path": file.path, "size": file.size, "oid": file.blob,
    }  # fmt: skip
    if file.is_lfs:
        entry["lfs"] = {**_describe_lfs(file), "oid": file.sha256}
    return entry | (_expand(revision) if expand else {})


def describe_refs(revisions: Sequence[Revision]) -> dict[str, Any]:
    """`main`, which is the newest revision, and a tag for each."""
    newest = revisions[0].commit
    tags = [
        {"name": each.name, "ref": f"refs/tags/{each.name}", "targetCommit": each.commit}
        for each in revisions
    ]
    main = {"name": "main", "ref": "refs/heads/main", "targetCommit": newest}
    return {"branches": [main], "tags": tags, "converts": [], "pullRequests": []}


def describe_commits(revisions: Iterable[Revision]) -> list[dict[str, Any]]:
    """The revisions as commits, newest first."""
    return [
        {
            "id": each.commit,
            "title": each.name,
            "message": "",
            "date": _spell(each.published_at),
            "authors": [{"user": AUTHOR, "avatar": ""}],
        }
        for each in revisions
    ]


def describe_person(key: ApiKey) -> dict[str, Any]:
    """The owner of a key, for `hf auth whoami`."""
    user = key.user
    return {
        "type": "user",
        "id": str(user.pk),
        "name": user.email,
        "fullname": user.name,
        "email": user.email,
        "emailVerified": True,
        "isPro": False,
        "canPay": False,
        "periodEnd": None,
        "avatarUrl": "",
        "orgs": [],
        "auth": {
            "type": "access_token",
            "accessToken": {
                "displayName": key.name,
                "role": "read",
                "createdAt": _spell(key.created_at),
            },
        },
    }


def _describe_sibling(file: File, *, with_blobs: bool) -> dict[str, Any]:
    sibling: dict[str, Any] = {"rfilename": file.path}
    if with_blobs:
        sibling |= {"size": file.size, "blobId": file.blob}
        if file.is_lfs:
            sibling["lfs"] = {**_describe_lfs(file), "sha256": file.sha256}
    return sibling


def _describe_lfs(file: File) -> dict[str, Any]:
    return {"size": file.size, "pointerSize": len(write_pointer(file.sha256, file.size))}


def _describe_folder(revision: Revision, path: str, *, expand: bool) -> dict[str, Any]:
    # Git's id would need the whole tree; clients only compare it.
    oid = blob_id(f"{revision.commit} {path}".encode())
    entry = {"type": "directory", "path": path, "oid": oid, "size": 0}
    return entry | (_expand(revision) if expand else {})


def _expand(revision: Revision) -> dict[str, Any]:
    date = _spell(revision.published_at)
    return {"lastCommit": {"id": revision.commit, "title": revision.name, "date": date}}


def _spell(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
