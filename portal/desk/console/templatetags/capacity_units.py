"""`{% load capacity_units %}`: bytes and shares in the format of the planner's page."""

from __future__ import annotations

from django import template

from capacity.memory import GIB

register = template.Library()


@register.filter
def gib(size: int) -> str:
    """Bytes in GiB: 349208936448 is 325.2."""
    return f"{size / GIB:,.1f}"


@register.filter
def gigabytes(size: int) -> str:
    """Bytes in GB: 349208936448 is 349.2."""
    return f"{size / 1e9:,.1f}"


@register.filter
def megabytes(size: int) -> str:
    """Bytes in MB: 4718592 is 4.72."""
    return f"{size / 1e6:,.2f}"


@register.filter
def microseconds(seconds: float) -> str:
    """Seconds in whole microseconds: 0.000101 is 101."""
    return f"{seconds * 1e6:,.0f}"


@register.filter
def percent(share: float) -> str:
    """A share in percent: 0.468 is 47, 0.016 is 1.6."""
    return f"{share * 100:.0f}" if share >= 0.1 else f"{share * 100:.1f}"


@register.filter
def billions(number: float) -> str:
    """119500000000 is 119.5."""
    return f"{number / 1e9:,.1f}"
