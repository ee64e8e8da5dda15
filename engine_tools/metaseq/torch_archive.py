"""One file of `torch.save`, read without torch and without loading it.

Since torch 1.6 such a file is a zip archive: `NAME/data.pkl` describes the objects, and each
storage is an uncompressed record `NAME/data/KEY` (pytorch's `torch/serialization.py`). So a tensor
is a range of bytes of the file, and any part of it can be read by itself.
"""

from __future__ import annotations

import math
import os
import pickle
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine_tools.metaseq.errors import SourceDamagedError, UnsupportedCheckpointError
from engine_tools.metaseq.inert_pickle import BYTES, InertUnpickler, TensorRef

LOCAL_HEADER = struct.Struct("<26xHH")
"""A zip record's header; only the lengths of its name and of its extra field matter here."""
LARGEST_PICKLE = 512 * 1024**2
DOWNLOAD_AGAIN = "download it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRange:
    """`numel` elements of `dtype`, one after another in a file from byte `begin`."""

    path: Path
    begin: int
    numel: int
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The structure of a file; its numbers stay on the disk."""

    path: Path
    content: Mapping[str, Any]
    records: Mapping[str, tuple[int, int]]
    """By storage key: the offset of the record's header, and the size in bytes."""

    def locate(self, tensor: TensorRef) -> FileRange:
        """Where a tensor's elements are. Raises `ConversionError` if they are not in one piece."""
        name = self.path.name
        if not _is_contiguous(tensor):
            raise UnsupportedCheckpointError(f"{name}: has a tensor that is not contiguous")
        if tensor.storage.key not in self.records:
            raise SourceDamagedError(f"{self.path}: lacks a tensor's numbers; {DOWNLOAD_AGAIN}")
        header, size = self.records[tensor.storage.key]
        item, numel = BYTES[tensor.storage.dtype], math.prod(tensor.shape)
        if (tensor.offset + numel) * item > size:
            raise SourceDamagedError(f"{self.path}: a tensor is truncated; {DOWNLOAD_AGAIN}")
        begin = _find_data(self.path, header) + tensor.offset * item
        return FileRange(path=self.path, begin=begin, numel=numel, dtype=tensor.storage.dtype)


def open_archive(path: Path) -> Archive:
    """Read a file's directory and pickle. Raises `ConversionError` naming the file."""
    refuse_web_page(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_archive(path, archive)
    except zipfile.BadZipFile:
        raise SourceDamagedError(f"{path}: is truncated or damaged; {DOWNLOAD_AGAIN}") from None
    except (pickle.UnpicklingError, EOFError, LookupError, TypeError, ValueError, AttributeError):
        raise SourceDamagedError(
            f"{path}: its list of tensors cannot be read; {DOWNLOAD_AGAIN}"
        ) from None


def refuse_web_page(path: Path) -> None:
    """Refuse an empty file, a Git LFS pointer, or an error page that was saved as the file."""
    with path.open("rb") as file:
        start = file.read(512).lstrip().lower()
    if not start:
        raise SourceDamagedError(f"{path}: is empty; {DOWNLOAD_AGAIN}")
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<error")):
        raise SourceDamagedError(
            f"{path}: is an error page of the download server, not a checkpoint; the link has "
            "expired or was refused, so request a new one and download this file again"
        )
    if start.startswith(b"version https://git-lfs"):
        raise SourceDamagedError(f"{path}: is a Git LFS pointer; download the file itself")


def _read_archive(path: Path, archive: zipfile.ZipFile) -> Archive:
    infos = archive.infolist()
    pickles = [info for info in infos if info.filename.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise UnsupportedCheckpointError(f"{path}: is a zip archive, but not one of torch.save")
    root = pickles[0].filename.removesuffix("data.pkl")
    if pickles[0].file_size > LARGEST_PICKLE:
        raise UnsupportedCheckpointError(f"{path}: its pickle is too large for a checkpoint")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED:
            raise UnsupportedCheckpointError(f"{path}: is compressed; torch.save never does that")
        if info.filename == f"{root}byteorder" and archive.read(info) != b"little":
            raise UnsupportedCheckpointError(f"{path}: was written on a big-endian machine")
    with archive.open(pickles[0]) as file:
        content = InertUnpickler(file).load()
    if not isinstance(content, dict):
        raise UnsupportedCheckpointError(f"{path}: does not contain a dictionary")
    prefix = f"{root}data/"
    records = {
        info.filename.removeprefix(prefix): (info.header_offset, info.file_size)
        for info in infos
        if info.filename.startswith(prefix)
    }
    return Archive(path=path, content=content, records=records)


def _find_data(path: Path, header: int) -> int:
    with path.open("rb") as file:
        start = os.pread(file.fileno(), LOCAL_HEADER.size, header)
    name, extra = LOCAL_HEADER.unpack(start)
    return header + LOCAL_HEADER.size + int(name) + int(extra)


def _is_contiguous(tensor: TensorRef) -> bool:
    expected = 1
    for length, stride in zip(reversed(tensor.shape), reversed(tensor.stride), strict=True):
        if length not in {0, 1} and stride != expected:
            return False
        expected *= length
    return True
