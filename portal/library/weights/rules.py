"""What may be published, so that every client can fetch it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LARGEST_FILE: Final = 50 * 10**9
"""The field's clients refuse larger files over plain HTTP."""
LARGE_FILE: Final = 5 * 10**9
"""Newer clients start a file from its beginning after a kill, so files should be smaller."""
LFS_BYTES: Final = 10 * 2**20
"""From this size on, a file is identified by its SHA-256; below, by its git blob."""
LONGEST_PATH: Final = 500
LONGEST_NAME: Final = 255
PICKLES: Final = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"})
"""Files whose loading can run code."""
TENSORS: Final = ".safetensors"
KEPT_BACK: Final = frozenset({".cache", ".git", "con", "prn", "aux", "nul"})
"""Folders that tools write, and names that Windows does not have."""
LONGEST_TEXT: Final = 200_000
"""Bytes of a file that is shown on a page and searched."""
MAIN: Final = "main"
"""The newest revision."""
REVISION_NAME: Final = r"^[A-Za-z0-9]+(?:[._-]?[A-Za-z0-9]+)*$"
COMMIT: Final = r"^[0-9a-f]{40}$"
SHA256: Final = r"^[0-9a-f]{64}$"

_UNFIT: Final = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\%#]')


def find_name_fault(path: str) -> str:
    """Why a file with this path cannot be fetched by every client; empty if it can."""
    if len(path) > LONGEST_PATH:
        return f"is longer than {LONGEST_PATH} characters"
    if path != unicodedata.normalize("NFC", path) or any("\ud800" <= c <= "\udfff" for c in path):
        return "is not text in Unicode's normal form C"
    if _UNFIT.search(path):
        return 'has a control character or one of < > : " | ? * \\ % #'
    for name in path.split("/"):
        if not name or name in {".", ".."} or name.lower() in KEPT_BACK:
            return f"has a part “{name}”, which is not a file of a release"
        if name != name.strip() or name.endswith("."):
            return f"has a part “{name}” that ends with a full stop, or begins or ends with a space"
        if len(name.encode()) > LONGEST_NAME:
            return f"has a part of more than {LONGEST_NAME} bytes"
    return ""


def is_revision_name(name: str) -> bool:
    """Whether a revision may have this name: not `main`, and no mistakable commit."""
    looks_like_commit = re.fullmatch(r"[0-9a-f]{7,40}", name) is not None
    is_reserved = name.lower() in {MAIN, "head"} or looks_like_commit
    return len(name) <= 50 and re.match(REVISION_NAME, name) is not None and not is_reserved
