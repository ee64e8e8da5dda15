"""One file from a hub: continued where it stopped, and checked before it counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import quote

from huggingface_hub import constants
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # documented there
    build_hf_headers,
    get_session,
    hf_raise_for_status,
)

from inference_workers.fetching.listing import HubFile

BLOCK_BYTES: Final = 2**20


class WrongContentError(Exception):
    """What came is not the file that the hub's list describes."""


class StoppedError(Exception):
    """The launcher was told to stop."""


def fetch_file(
    hub: str, commit: str, file: HubFile, folder: Path, *, note: Callable[[int], None]
) -> None:
    """Fetch the rest of a file into the folder.

    `note` gets the bytes that the file has so far, and may raise to end the download; what is
    there is kept. Raises `WrongContentError`, huggingface_hub's `HfHubHTTPError`, and OSError.
    """
    target, part = folder / file.path, folder / f"{file.path}.part"
    if target.is_file():
        note(file.size)
        return
    digest = _new_digest(file)
    have = _read_part(part, digest)
    if have < file.size or not part.exists():
        have = _receive(hub, commit, file, part, digest=digest, have=have, note=note)
    if have < file.size:
        raise ConnectionError(f"{file.path} ended after {have:,} of {file.size:,} bytes")
    if have > file.size or digest.hexdigest() != (file.sha256 or file.blob_id):
        part.unlink()
        raise WrongContentError(f"{file.path} does not have the hash that the hub lists")
    part.replace(target)


def _receive(
    hub: str,
    commit: str,
    file: HubFile,
    part: Path,
    *,
    digest: hashlib._Hash,
    have: int,
    note: Callable[[int], None],
) -> int:
    """Append what is missing, and return the part's bytes; `digest` takes up what comes."""
    url = f"{constants.ENDPOINT}/{hub}/resolve/{commit}/{quote(file.path)}"
    headers = {
        **build_hf_headers(),
        "Accept-Encoding": "identity",
        **({"Range": f"bytes={have}-"} if have else {}),
    }
    with (
        get_session().stream("GET", url, headers=headers, follow_redirects=True) as response,
        part.open("ab") as stream,
    ):
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            response.read()
        hf_raise_for_status(response)
        if have and response.status_code != HTTPStatus.PARTIAL_CONTENT:
            raise WrongContentError(f"{file.path} cannot be continued")
        for block in response.iter_bytes(BLOCK_BYTES):
            stream.write(block)
            digest.update(block)
            have += len(block)
            note(have)
    return have


def _new_digest(file: HubFile) -> hashlib._Hash:
    if file.sha256:
        return hashlib.sha256()
    return hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)


def _read_part(part: Path, digest: hashlib._Hash) -> int:
    """The bytes that an earlier try left, which `digest` takes up."""
    if not part.is_file():
        return 0
    have = 0
    with part.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
            have += len(block)
    return have
