"""`{% load logbook %}`: the values of a curve for people."""

from __future__ import annotations

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from portal.library.logbook.domain.curves import Curve, Row
from portal.library.logbook.enums import Axis
from portal.library.logbook.summaries import describe_place

register = template.Library()
ROW = (
    '<tr><th scope="row" class="nowrap">{}</th><td class="number">{}</td>'
    '<td class="number">{}</td><td class="number">{}</td></tr>\n'
)


@register.simple_tag
def curve_rows(curve: Curve) -> SafeString:
    """The rows of the curve's table; values to six significant digits, "nan" and "inf" as such."""
    return format_html_join("", ROW, (_describe(row, curve.axis) for row in curve.list_rows()))


def _describe(row: Row, axis: Axis) -> tuple[str, ...]:
    low, high = describe_place(row.low_place, axis), describe_place(row.high_place, axis)
    values = row.lowest, row.highest, row.last
    return low if low == high else f"{low} to {high}", *(f"{value:.6g}" for value in values)
