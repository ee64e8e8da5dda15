"""A run as an entry for BibTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from portal.lab.jobs.models import GenerationJob
from portal.platform.core.bibtex import escape_bibtex, write_misc

_SPLITS_NAMES: Final = re.compile(r",|&|\band\b", re.IGNORECASE)


def write_bibtex(job: GenerationJob, *, author: str) -> str:
    """The entry of a run, whose address opens for its owner only."""
    fields = {
        "author": _write_author(author),
        "title": f"{{{escape_bibtex(job.model.name)}}}, run {job.pk}",
        "year": f"{job.created_at:%Y}",
        "date": f"{job.created_at:%Y-%m-%d}",
        "url": permalink_of(job),
        "note": escape_bibtex(describe_weights(job.provenance)),
    }
    return write_misc(f"gatehouse-{str(job.pk)[:8]}", fields)


def permalink_of(job: GenerationJob) -> str:
    """The address of the run's page."""
    return settings.SITE_URL + reverse("playground:run", args=[job.pk])


def describe_weights(provenance: Mapping[str, Any] | None) -> str:
    """The weights and the engine that made a run; empty if the run has no provenance."""
    if not provenance:
        return ""
    engine = f"{provenance['engine']} {provenance['engine_version']}"
    return f"Weights {provenance['weights']} ({provenance['dtype']}), {engine}"


def _write_author(name: str) -> str:
    escaped = escape_bibtex(name)
    # BibTeX would read it as several people, or as last and first name.
    return f"{{{escaped}}}" if _SPLITS_NAMES.search(name) else escaped
