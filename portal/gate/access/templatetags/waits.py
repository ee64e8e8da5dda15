"""How long applicants wait, for pages of capabilities below this one."""

from __future__ import annotations

from django import template
from django.utils import timezone

from portal.gate.access.domain.numbers.waits import Waits, measure_waits

register = template.Library()


@register.inclusion_tag("gate/access/waits.html")
def show_waits() -> dict[str, Waits | None]:
    """The sentence from an applicant's own page; empty before the first answer."""
    return {"waits": measure_waits(at=timezone.now())}
