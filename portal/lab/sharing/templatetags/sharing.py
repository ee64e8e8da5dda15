"""The record of a run, for the playground's page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from portal.lab.jobs.models import GenerationJob
from portal.lab.sharing.domain.citation import permalink_of, write_bibtex
from portal.lab.sharing.domain.listing import list_links_of_run
from portal.lab.sharing.domain.record import list_facts
from portal.lab.sharing.forms import ShareForm

register = template.Library()


@register.inclusion_tag("lab/sharing/run_record.html", takes_context=True)
def run_record(context: template.Context, job: GenerationJob) -> dict[str, Any]:
    """The run's texts as they are stored, its receipt, its links and its citation."""
    request = context["request"]
    return {
        # For the forms' mark.
        "request": request,
        "job": job,
        "facts": list_facts(job),
        "links": list_links_of_run(job, at=timezone.now()),
        "form": ShareForm(user=request.user),
        "permalink": permalink_of(job),
        "bibtex": write_bibtex(job, author=request.user.name),
    }
