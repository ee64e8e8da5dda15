"""The text of a key: recognised, or refused if misspelt, without a database."""

from __future__ import annotations

import re
from zlib import crc32

import pytest

from portal.gate.keys.domain.text import ALPHABET, PATTERN, KeyText, checksum, make_text, parse_text


def test_a_key_is_read_back_as_it_was_made() -> None:
    text = make_text()

    assert parse_text(text.whole) == text
    assert text.whole == f"gh_{text.lookup}{text.whole[13:]}"
    assert len(text.whole) == 51


def test_two_keys_share_nothing() -> None:
    first, second = make_text(), make_text()

    assert first.lookup != second.lookup
    assert first.whole[13:45] != second.whole[13:45]


def test_a_scanner_finds_a_key_in_a_file() -> None:
    text = make_text()

    found = re.findall(rf"\b{PATTERN.pattern}\b", f'OPENAI_API_KEY="{text.whole}"\n')

    assert found == [text.whole]


def test_one_wrong_character_anywhere_is_noticed() -> None:
    whole = make_text().whole
    misspelt = [
        whole[:place] + ALPHABET[(ALPHABET.find(whole[place]) + 1) % 62] + whole[place + 1 :]
        for place in range(len(whole))
    ]

    assert [parse_text(text) for text in misspelt] == [None] * len(whole)


@pytest.mark.parametrize("place", [3, 12, 13, 30, 43])
def test_swapped_neighbours_are_noticed(place: int) -> None:
    body = f"gh_{ALPHABET[:42]}"
    swapped = body[:place] + body[place + 1] + body[place] + body[place + 2 :]

    assert parse_text(body + checksum(body)) is not None
    assert parse_text(swapped + checksum(body)) is None


@pytest.mark.parametrize(
    "text",
    ["", "gh_", "sk-0123", "gh_" + "0" * 47, "gh_" + "0" * 49, "gh_" + "é" * 48, "gh_" + "0" * 48],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    assert parse_text(text) is None


def test_a_line_end_after_a_key_makes_it_another_text() -> None:
    assert parse_text(make_text().whole + "\n") is None


def test_the_checksum_is_crc32_in_base_62() -> None:
    end = checksum("gh_test")

    number = 0
    for digit in end:
        number = number * 62 + ALPHABET.index(digit)
    assert (len(end), number) == (6, crc32(b"gh_test"))


def test_a_log_line_shows_no_secret() -> None:
    text = KeyText(whole="gh_" + "a" * 48, lookup="a" * 10)

    assert repr(text) == "KeyText('gh_aaaaaaaaaa…')"
