"""What others wrote, in mail to people who did not ask for it."""

from __future__ import annotations

from django import template

from portal.core.one_line import quote_stranger

register = template.Library()
register.filter("quote_stranger", quote_stranger)
