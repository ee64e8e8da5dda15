"""`{% load markdown %}`: the release's texts as HTML."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from portal.platform.core.markdown import render_markdown

register = template.Library()


@register.simple_tag
def markdown(text: str, *, shift: int = 0, prefix: str = "") -> SafeString:
    """`{% markdown release.model_card shift=1 %}`; see `render_markdown`."""
    return render_markdown(text, shift=shift, prefix=prefix)
