"""Durations on pages."""

from __future__ import annotations

from django import template

from portal.lab.jobs.wording import write_duration

register = template.Library()
register.filter("duration", write_duration)
