from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.gate.access.domain.screening.orcid import check_character, normalise_orcid


@pytest.mark.parametrize(
    "text",
    [
        "0000-0002-1825-0097",
        "0000000218250097",
        " 0000 0002 1825 0097 ",
        "https://orcid.org/0000-0002-1825-0097",
        "orcid.org/0000-0002-1825-0097",
        "0000\u20130002\u20131825\u20130097",
    ],
)
def test_every_usual_way_of_writing_an_id_is_read(text: str) -> None:
    assert normalise_orcid(text) == "0000-0002-1825-0097"


def test_the_last_character_may_be_an_x() -> None:
    assert normalise_orcid("0000-0002-1694-233x") == "0000-0002-1694-233X"


@pytest.mark.parametrize(
    "text",
    [
        "", "0000-0002-1825-009", "0000-0002-1825-00970", "not an id",
        "".join(chr(0x0660 + int(digit)) for digit in "0000000218250097"),
        "".join(chr(0xFF10 + int(digit)) for digit in "0000000218250097"),
        "000000021694233\uff58",
    ],
)  # fmt: skip
def test_something_else_is_told_apart_from_a_typing_mistake(text: str) -> None:
    with pytest.raises(ValueError, match="sixteen characters"):
        normalise_orcid(text)


@given(
    st.text("0123456789", min_size=15, max_size=15),
    st.integers(0, 14),
    st.integers(1, 9),
)
def test_any_single_wrong_digit_is_found(digits: str, place: int, shift: int) -> None:
    whole = digits + check_character(digits)
    wrong = str((int(digits[place]) + shift) % 10)
    assert normalise_orcid(whole).replace("-", "") == whole
    with pytest.raises(ValueError, match="typing error"):
        normalise_orcid(digits[:place] + wrong + whole[place + 1 :])
