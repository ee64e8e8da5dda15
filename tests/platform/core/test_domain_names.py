"""What a domain is, and how it can be misread."""

from __future__ import annotations

import pytest

from portal.platform.core.domain_names import (
    canonical_address,
    canonical_domain,
    describe_domain,
    find_lookalike,
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada@Uni.EDU", "ada@uni.edu"),
        ("ada@ex\u0430mple.com", "ada@xn--exmple-4nf.com"),
        ("ada@EX\u0410MPLE.com", "ada@xn--exmple-4nf.com"),
        ("ada@XN--exmple-4nf.com", "ada@xn--exmple-4nf.com"),
        ("ada@b\u00fccher\u3002example", "ada@xn--bcher-kva.example"),
    ],
)
def test_an_address_has_one_spelling(typed: str, kept: str) -> None:
    assert canonical_address(typed) == kept


@pytest.mark.parametrize(
    "typed", ["ada@\u2600\ufe0f\u20e3.example", "ada@-\u0430.example", "a@\u200d.b"]
)
def test_what_is_no_domain_name_is_no_address(typed: str) -> None:
    with pytest.raises(ValueError, match="is not a domain name"):
        canonical_address(typed)
    assert canonical_domain(typed.partition("@")[2]) == typed.partition("@")[2]


def test_other_letters_are_told_beside_the_punycode() -> None:
    assert describe_domain("uni.edu") == "uni.edu"
    assert describe_domain("ex\u0430mple.com") == (
        "xn--exmple-4nf.com (shown elsewhere as “ex\u0430mple.com”)"
    )
    assert describe_domain("xn--exmple-4nf.com") == describe_domain("ex\u0430mple.com")
    assert describe_domain("xn--\u007f.com") == "xn--\u007f.com"


@pytest.mark.parametrize(
    ("domain", "why"),
    [
        ("ex\u0430mple.com", "“ex\u0430mple” mixes Cyrillic and Latin letters"),
        ("mit.\u0435du", "“\u0435du” mixes Cyrillic and Latin letters"),
        ("\u0440\u0430.com", "“\u0440\u0430” looks Latin but is written in Cyrillic letters"),
        ("\u03bf\u03c5.edu", "“\u03bf\u03c5” looks Latin but is written in Greek letters"),
        ("a\u4e2d\u0430.cn", "“a\u4e2d\u0430” mixes Cyrillic and Han and Latin letters"),
        ("uni.edu", ""),
        ("b\u00fccher.de", ""),
        ("\u043c\u0433\u0443.\u0440\u0444", ""),
        ("\u0442\u043e\u043a\u0438\u043e-1.example", ""),
        ("toky\u014d\u6771\u4eac\u3068\u30ab.jp", ""),
        ("\u6e05\u534e.cn", ""),
        ("123-4.example", ""),
    ],
)  # fmt: skip
def test_what_looks_like_another_domain_is_said(domain: str, why: str) -> None:
    assert find_lookalike(domain) == why
    assert find_lookalike(canonical_domain(domain)) == why
