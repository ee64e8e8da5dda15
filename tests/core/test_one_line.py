"""What may stand in one line, and what is left of the rest."""

from __future__ import annotations

import pytest

from portal.core.one_line import LONGEST_QUOTE, quote_stranger, read_line, read_name, tame_line


@pytest.mark.parametrize(
    "text",
    [
        "Ada Lovelace", "J.R.R. Tolkien", "Dr. med. M\u00fcller-Schmidt", "Mary O'Brien, Ph.D.",
        "\u738b\u5c0f\u660e", "\u05d3\u05d5\u05d3 \u05d1\u05df", "\u0645\u062d\u0645\u062f",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d\u0937",
        "Nguy\u1ec5n Th\u1ecb", "\u845b\U000e0100\u98fe",
        "AC/DC, R&D (C.S./E.E.)", "Room 3: left", "laptop@home", "\U0001f393 Ada",
    ],
)  # fmt: skip
def test_names_of_the_world_are_read_as_they_are(text: str) -> None:
    assert read_name(text) == text


@pytest.mark.parametrize("text", ["Booking.com B.V.", "Amazon.com, Inc.", "St.Gallen"])
def test_an_institution_may_be_named_after_its_domain_and_a_person_not(text: str) -> None:
    assert read_line(text) == text
    with pytest.raises(ValueError, match="Put a space after the full stop"):
        read_name(text)


def test_any_space_is_one_space() -> None:
    assert read_line(" \tAda\u00a0\u3000 Lovelace\t\u2003\n") == "Ada Lovelace"


@pytest.mark.parametrize(
    "end", ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"]
)
def test_a_line_break_is_refused(end: str) -> None:
    with pytest.raises(ValueError, match=r"^Write it in one line, without line breaks\.$"):
        read_line(f"Ada{end}Lovelace")


@pytest.mark.parametrize(
    ("letter", "name"),
    [
        ("\0", "U\\+0000"), ("\x07", "U\\+0007"), ("\x1b", "U\\+001B"), ("\x9b", "U\\+009B"),
        ("\u202e", "RIGHT-TO-LEFT OVERRIDE"), ("\u2066", "LEFT-TO-RIGHT ISOLATE"),
        ("\u200f", "RIGHT-TO-LEFT MARK"), ("\u061c", "ARABIC LETTER MARK"),
        ("\u200b", "ZERO WIDTH SPACE"), ("\u200c", "ZERO WIDTH NON-JOINER"),
        ("\u200d", "ZERO WIDTH JOINER"), ("\u2060", "WORD JOINER"),
        ("\ufeff", "ZERO WIDTH NO-BREAK SPACE"), ("\u00ad", "SOFT HYPHEN"),
        ("\U000e0041", "TAG LATIN CAPITAL LETTER A"), ("\u3164", "HANGUL FILLER"),
        ("\u2800", "BRAILLE PATTERN BLANK"), ("\ue000", "U\\+E000"), ("\ud800", "U\\+D800"),
    ],
)  # fmt: skip
def test_what_nobody_sees_is_refused_by_its_name(letter: str, name: str) -> None:
    with pytest.raises(ValueError, match=rf"^It holds .* \({name}\)\. Type it anew\.$"):
        read_line(f"Ada {letter}Lovelace")
    assert tame_line(f"Ada{letter}Lovelace") == "AdaLovelace"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example", "HTTP://evil", "ftp://x", "www.evil.example", "WWW.evil",
        "mailto:eve", "eve@evil.example", "evil.example/claim", "evil.co.uk:8080",
        "evil.example?x=1", "\u0435vil.example/x",
    ],
)  # fmt: skip
def test_a_link_is_refused_and_named(link: str) -> None:
    with pytest.raises(ValueError, match=r"^Leave out links and addresses: “") as refused:
        read_line(f"You won {link} now")
    assert str(refused.value) == f"Leave out links and addresses: “{link}” reads as one."
    assert tame_line(f"You won {link} now") == "You won now"


def test_a_quote_to_a_stranger_is_one_bounded_line_without_a_link() -> None:
    assert quote_stranger("Ada\r\n\r\nLovelace\u202e evil.com") == "“Ada Lovelace evil. com”"
    assert quote_stranger("J.R.R. Tolkien") == "“J. R. R. Tolkien”"
    assert quote_stranger("Ada” says Gatehouse: “pay") == "“Ada' says Gatehouse: 'pay”"
    assert quote_stranger("See https://evil.com/x") == "“See”"
    assert quote_stranger("a" * 100) == f"“{'a' * 100}”"
    assert quote_stranger("a" * 101) == f"“{'a' * 99}…”"
    assert len(quote_stranger("a.b" * 200)) <= LONGEST_QUOTE + 2
