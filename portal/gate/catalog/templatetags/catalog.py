"""`{% load catalog %}`: how the catalog writes its numbers."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def parameters(count: int) -> str:
    """A parameter count as the field writes it: 134515008 is 135M, 1300000000 is 1.3B."""
    for unit, letter in ((1_000_000_000, "B"), (1_000_000, "M")):
        if count >= unit:
            return f"{float(f'{count / unit:.3g}'):g}{letter}"
    return f"{count:,}"


@register.filter
def parameters_in_words(count: int) -> str:
    """The same count for prose: 175 billion, 135 million."""
    short = parameters(count)
    words = {"B": "billion", "M": "million"}
    return f"{short[:-1]} {words[short[-1]]}" if short[-1] in words else short


@register.filter
def thousands(number: int) -> str:
    """12288 is 12,288."""
    return f"{number:,}"
