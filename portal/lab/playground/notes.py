"""What the page shows below a run: what its owner noted, and its tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.domain.records import find_node
from portal.lab.notebook.domain.tree import Branch, list_tree
from portal.lab.playground.notes_forms import NotesForm


@dataclass(frozen=True)
class Notes:
    """A run's notes as a form, and the tree, which a run that stands alone does not have."""

    job: GenerationJob
    form: NotesForm
    branches: Sequence[Branch]

    @property
    def short_id(self) -> str:
        return str(self.job.pk)[:8]


def view_notes(job: GenerationJob, *, form: NotesForm | None = None) -> Notes:
    """The notes as stored, or as given in a `form` with errors."""
    node = find_node(job)
    branches = [] if node._state.adding else list_tree(node)  # noqa: SLF001 -- documented by Django
    return Notes(
        job=job,
        form=form or NotesForm(user=job.user, node=node),
        branches=branches if len(branches) > 1 else [],
    )
