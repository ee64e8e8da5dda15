"""`{% load weights %}`: published weights, for pages of capabilities below this one."""

from __future__ import annotations

from django import template

from portal.gate.catalog.models import HostedModel
from portal.library.weights.models import Revision

register = template.Library()


@register.simple_tag
def weights_of(model: HostedModel) -> Revision | None:
    """The newest revision of the model's weights; None if they are not published here."""
    return Revision.objects.filter(repository__model=model).first()
