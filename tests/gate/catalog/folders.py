"""Small release folders for tests."""

from __future__ import annotations

from pathlib import Path

LICENCE = "# The licence\r\n\r\nBe kind.\n"

MODEL = """
[[release.model]]
slug = "tiny-1.5m"
name = "Tiny 1.5M"
parameters = 1_500_000
layers = 2
heads = 2
hidden_size = 64
context_length = 128
requirements = "A pocket calculator."
weights_licence = "Public domain"
attribution = "Tiny, by nobody."
notice = "For study only."
status = "live"
deployment = "tiny"
tier = "signature"
"""

RELEASE = (
    """
[[licence]]
slug = "kindness"
name = "Kindness Licence"
licensor = "Nobody"
text = "licence.md"
effective_at = 2026-01-01T00:00:00Z
material = true

[[release]]
slug = "tiny"
name = "Tiny"
tagline = "Very small."
licensor = "Nobody"
contact_email = "nobody@example.org"
licence = "kindness"
review_days = 5
summary = "text.md"
why_gated = "text.md"
process = "text.md"
model_card = "text.md"
data_card = "text.md"
"""
    + MODEL
)


def write_release(folder: Path, toml: str = RELEASE) -> Path:
    """Write a complete release folder and return it."""
    (folder / "release.toml").write_text(toml)
    (folder / "licence.md").write_bytes(LICENCE.encode())
    (folder / "text.md").write_text("Some words.\n")
    return folder
