from __future__ import annotations

import pytest

from portal.gate.catalog.templatetags.catalog import parameters, parameters_in_words, thousands


@pytest.mark.parametrize(
    ("count", "short", "words"),
    [
        (175_000_000_000, "175B", "175 billion"),
        (1_300_000_000, "1.3B", "1.3 billion"),
        (134_515_008, "135M", "135 million"),
        (999_900_000, "1000M", "1000 million"),
        (1_500_000, "1.5M", "1.5 million"),
        (12_500, "12,500", "12,500"),
    ],
)
def test_parameter_counts_read_as_the_field_writes_them(count: int, short: str, words: str) -> None:
    assert (parameters(count), parameters_in_words(count)) == (short, words)


def test_thousands_are_set_apart() -> None:
    assert thousands(12288) == "12,288"
