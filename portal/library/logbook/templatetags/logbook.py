"""`{% load logbook %}`: places on an axis, and values of metrics, for people."""

from __future__ import annotations

from django import template

from portal.library.logbook.enums import Axis
from portal.library.logbook.summaries import describe_place

register = template.Library()


@register.filter
def place(value: int, axis: Axis) -> str:
    return describe_place(value, axis)


@register.filter
def metric(value: float) -> str:
    """Six significant digits; "nan" and "inf" as they are."""
    return f"{value:.6g}"
