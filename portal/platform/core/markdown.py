"""The only place where Markdown becomes HTML. Raw HTML in it is shown as text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.footnote import footnote_plugin

HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
TAGS: Final = {
    *HEADINGS,
    *("p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "a", "sup"),
    *("ul", "ol", "li", "div", "section"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES: Final = {
    "a": {"href", "title", "id", "aria-label"},
    "li": {"id"},
    "ol": {"start"},
    "div": {"tabindex", "role", "aria-label"},
    "section": {"aria-label"},
    **{heading: {"id"} for heading in HEADINGS},
}
CLASSES: Final = {
    "div": {"table-scroll"},
    "table": {"table"},
    "th": {"number"},
    "td": {"number"},
    "sup": {"footnote-ref"},
    "section": {"footnotes"},
    "ol": {"footnotes-list"},
    "li": {"footnote-item"},
    "a": {"footnote-backref"},
    "p": {"footnotes-title"},
}
_ALIGNMENT: Final = {"text-align:right": "number"}


def render_markdown(text: str, *, shift: int = 0, prefix: str = "") -> SafeString:
    """Render CommonMark with tables and footnotes, cleaned to an allow-list.

    `shift` lowers every heading by so many levels, to fit under the page's own.
    `prefix` keeps footnotes apart where one page shows several texts.
    """
    environment: EnvType = {"shift": shift}
    if prefix:
        environment["docId"] = prefix
    html = nh3.clean(
        _parser().render(text, environment),
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return mark_safe(html)  # noqa: S308 -- nh3 has just cleaned it


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.use(footnote_plugin).use(anchors_plugin, min_level=1, max_level=4)
    parser.core.ruler.push("gatehouse", _fit_into_page)
    parser.add_render_rule("footnote_caption", _render_caption)
    parser.add_render_rule("footnote_anchor", _render_backref)
    parser.add_render_rule("footnote_block_open", _open_footnotes)
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    return parser


def _fit_into_page(state: StateCore) -> None:
    """Shift headings, and name alignments by class: the page's CSP allows no style."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            level = min(6, int(token.tag[1]) + int(state.env.get("shift", 0)))
            token.tag = f"h{level}"
        style = token.attrs.pop("style", None)
        if alignment := _ALIGNMENT.get(str(style)):
            token.attrSet("class", alignment)


def _render_caption(_: RendererHTML, tokens: Sequence[Token], idx: int, *_rest: object) -> str:
    return str(tokens[idx].meta["id"] + 1)


def _render_backref(
    renderer: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    if tokens[idx].meta.get("subId", 0):
        # A source that is cited several times has one link back, to its first citation.
        return ""
    target = renderer.rules["footnote_anchor_name"](tokens, idx, options, env)
    return f' <a href="#fnref{target}" class="footnote-backref" aria-label="Back to the text">↩︎</a>'


def _open_footnotes(*_: object) -> str:
    return (
        '<section class="footnotes" aria-label="Sources"><p class="footnotes-title">Sources</p>'
        '<ol class="footnotes-list">\n'
    )


def _open_table(_: RendererHTML, tokens: Sequence[Token], idx: int, *_rest: object) -> str:
    # A wide table scrolls on its own, so it must be reachable by keyboard.
    number = sum(token.type == "table_open" for token in tokens[: idx + 1])
    return (
        f'<div class="table-scroll" tabindex="0" role="region" aria-label="Table {number}">'
        '<table class="table">\n'
    )


def _close_table(*_: object) -> str:
    return "</table></div>\n"
