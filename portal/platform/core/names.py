"""Names that people spell in different ways. Depends on neither Django nor the database."""

from __future__ import annotations

import unicodedata


def fold_name(name: str) -> str:
    """A name without case, accents, punctuation and repeated space."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(kept.split())
