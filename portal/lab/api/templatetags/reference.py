"""`{{ text|with_code }}`: text between backquotes as code."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def with_code(text: str) -> SafeString:
    """Escape the text, and mark every second part as code."""
    parts = [
        format_html("<code>{}</code>", part) if place % 2 else format_html("{}", part)
        for place, part in enumerate(text.split("`"))
    ]
    return format_html_join("", "{}", ((part,) for part in parts))
