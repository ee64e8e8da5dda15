"""`{% load collection %}`: citations, and what a search has found."""

from __future__ import annotations

from django import template

from portal.library.collection.domain.citation import write_bibtex
from portal.library.logbook.summaries import mark_hits

register = template.Library()
register.filter("marked", mark_hits)
register.filter("bibtex", write_bibtex)
