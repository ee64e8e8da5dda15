"""The text of a mail with clickable links."""

from __future__ import annotations

import re

from django import template
from django.conf import settings
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# A backslash ends an address: browsers read it as a slash, so it could name another host.
ADDRESS = re.compile(r"https?://[^\s<>\"'\\]+")
TRAILING = ".,;:!?)]"


@register.filter
def link_own_site(text: str) -> SafeString:
    """The text, escaped, with links to this site made clickable, and no others.

    They contain only the path, so that a person who opened the demo by another of its
    names (`localhost` for `127.0.0.1`) stays signed in there.
    """
    pieces: list[str] = []
    position = 0
    for match in ADDRESS.finditer(text):
        url = match.group().rstrip(TRAILING)
        if not _is_own(url):
            continue
        pieces += [
            escape(text[position : match.start()]),
            format_html('<a href="{}">{}</a>', _path(url), url),
        ]
        position = match.start() + len(url)
    pieces.append(escape(text[position:]))
    return mark_safe("".join(pieces))  # noqa: S308 -- every piece was escaped above


def _path(url: str) -> str:
    return url.removeprefix(settings.SITE_URL) or "/"


def _is_own(url: str) -> bool:
    rest = url.removeprefix(settings.SITE_URL)
    # A path that begins with two slashes would be read as another host.
    return rest != url and (not rest or (rest.startswith("/") and not rest.startswith("//")))
