from __future__ import annotations

import pytest

from portal.platform.core.markdown import render_markdown


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ('<p onclick="x()">hi</p>', '<p>&lt;p onclick="x()"&gt;hi&lt;/p&gt;</p>\n'),
        ("a <b>bold</b> word", "<p>a &lt;b&gt;bold&lt;/b&gt; word</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("[x](data:text/html;base64,AA==)", "<p>[x](data:text/html;base64,AA==)</p>\n"),
        ("<javascript:alert(1)>", "<p>&lt;javascript:alert(1)&gt;</p>\n"),
        ("![x](https://tracker.example/pixel.png)", "<p></p>\n"),
        ("[x](ftp://files.example/)", '<p><a rel="noopener noreferrer">x</a></p>\n'),
        ("| a |\n|--|\n| <i>x</i> |", None),
    ],
)
def test_nothing_in_a_text_becomes_markup_of_its_own(source: str, html: str | None) -> None:
    rendered = render_markdown(source)

    if html is None:
        assert rendered.count("&lt;i&gt;x&lt;/i&gt;") == 1
    else:
        assert rendered == html


def test_links_carry_no_opener() -> None:
    assert render_markdown("[paper](https://arxiv.org/abs/2205.01068)") == (
        '<p><a href="https://arxiv.org/abs/2205.01068" rel="noopener noreferrer">paper</a></p>\n'
    )


def test_headings_shift_under_the_page_and_can_be_linked() -> None:
    assert render_markdown("# A title\n\n###### Deep", shift=1) == (
        '<h2 id="a-title">A title</h2>\n<h6>Deep</h6>\n'
    )


def test_table_scrolls_by_itself_and_aligns_numbers_without_style() -> None:
    assert render_markdown("| Model | Layers |\n|:--|--:|\n| OPT-125M | 12 |") == (
        '<div class="table-scroll" tabindex="0" role="region" aria-label="Table 1">'
        '<table class="table">\n'
        '<thead>\n<tr>\n<th>Model</th>\n<th class="number">Layers</th>\n</tr>\n</thead>\n'
        '<tbody>\n<tr>\n<td>OPT-125M</td>\n<td class="number">12</td>\n</tr>\n</tbody>\n'
        "</table></div>\n"
    )


def test_footnotes_link_both_ways_under_their_prefix() -> None:
    html = render_markdown("A fact.[^s] Another.[^s]\n\n[^s]: The source.", prefix="card")

    assert html.count('<a href="#fn-card-1"') == 2
    assert html.count('id="fn-card-1"') == 1
    assert html.count('href="#fnref-card-1"') == 1
    assert html.count('href="#fnref-card-1:1"') == 0
    assert html.count(">[1") == 0
