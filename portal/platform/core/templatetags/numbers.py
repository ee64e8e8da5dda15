"""`{% load numbers %}`: amounts as people read them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def data_size(count: int) -> str:
    """Bytes in units of a thousand: 538090408 is “538 MB”."""
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{count} bytes" if unit == "bytes" else f"{size:.3g} {unit}"


@register.filter
def duration(seconds: int) -> str:
    """Seconds in at most two units: 4000 is “1 h 7 min”."""
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} days"
