"""Links in people's texts."""

from __future__ import annotations

from django import template

from portal.platform.core.links import link_openly

register = template.Library()
register.filter("link_openly", link_openly, is_safe=True)
