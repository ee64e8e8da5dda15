"""Links in people's texts, each shown with the domain to which it leads."""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import unquote, urlsplit

from django.utils.html import escape, urlize
from django.utils.safestring import SafeString, mark_safe

from portal.platform.core.domain_names import canonical_domain

_ANCHOR: Final = re.compile(r'<a href="([^"]*)"[^>]*>([^<]*)</a>')
"""An anchor as `urlize` writes it; it escapes everything else."""


def link_openly(text: str) -> SafeString:
    """The text with links; a domain not written in ASCII is repeated in ASCII after its link."""
    linked = urlize(text, nofollow=True, autoescape=True)
    return mark_safe(_ANCHOR.sub(_mark_outgoing, linked))  # noqa: S308 -- escaped by urlize


def find_domains(text: str) -> list[str]:
    """The domains to which the links in a text lead, in ASCII, each once."""
    linked = urlize(text, nofollow=True, autoescape=True)
    return list(dict.fromkeys(filter(None, map(_domain_of, _ANCHOR.findall(linked)))))


def _mark_outgoing(anchor: re.Match[str]) -> str:
    domain = _domain_of(anchor.groups())
    is_plain = domain in html.unescape(anchor[2]).lower()
    return anchor[0] if is_plain else f"{anchor[0]} ({escape(domain)})"


def _domain_of(anchor: tuple[str | None, ...]) -> str:
    parts = urlsplit(unquote(html.unescape(anchor[0] or "")))
    domain = parts.hostname if parts.netloc else parts.path.rpartition("@")[2]
    return canonical_domain(domain or "")
