"""`{% csrf_token %}` together with the form's origin, so that no form can lack it."""

from __future__ import annotations

from django import template
from django.http import HttpRequest
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.platform.core.form_origin import FIELD, sign_origin

register = template.Library()


@register.simple_tag(takes_context=True)
def csrf_token(context: template.Context) -> SafeString:
    """Django's own field; for a signed-in person, `form_origin` too."""
    token = SafeString(CsrfTokenNode().render(context))
    request = context.get("request")
    origin = sign_origin(request) if isinstance(request, HttpRequest) else ""
    if not origin:
        return token
    return format_html('{}<input type="hidden" name="{}" value="{}">', token, FIELD, origin)
