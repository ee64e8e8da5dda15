"""Prompts for an empty document, each showing one thing that a base model does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Example:
    """A prompt and its name in the list."""

    label: str
    prompt: str


EXAMPLES: Final[Mapping[str, Example]] = MappingProxyType(
    {
        "fact": Example("A fact", "The capital of Peru is"),
        "few-shot": Example(
            "Few-shot",
            "Review: The plot was thin, but I laughed all evening.\nFeeling: positive\n\n"
            "Review: I left before the end.\nFeeling: negative\n\n"
            "Review: Two hours I will never get back.\nFeeling:",
        ),
        "translation": Example(
            "Translation",
            "English: Where is the library?\nFrench: Où est la bibliothèque ?\n\n"
            "English: The train leaves at noon.\nFrench:",
        ),
        "code": Example(
            "Code",
            'def is_palindrome(text):\n    """Whether the text reads the same backwards."""\n',
        ),
        "arithmetic": Example("Arithmetic", "12 + 7 = 19\n25 + 16 = 41\n38 + 45 ="),
        "dialogue": Example(
            "Dialogue",
            "A conversation between a traveller and a librarian.\n\n"
            "Traveller: I am looking for a map of the old town.\nLibrarian:",
        ),
        "pair": Example(
            "A minimal pair",
            "The keys to the cabinet are on the table.\nThe keys to the cabinet is on the table.",
        ),
        "memorised": Example(
            "A memorised text",
            "We hold these truths to be self-evident, that all men are created equal,",
        ),
    }
)
"""By the name in an address."""
