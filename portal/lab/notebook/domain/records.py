"""What a person notes about a run: its name, a star, and the project it belongs to."""

from __future__ import annotations

from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.domain.placing import keep_node
from portal.lab.notebook.models import Node, Project


def find_node(job: GenerationJob) -> Node:
    """The run's node; one that is not stored if the run has none."""
    node = Node.objects.select_related("project").filter(job=job).first()
    return node or Node(pk=job.pk, user=job.user, job=job, tree=job.pk, created_at=job.created_at)


def note(job: GenerationJob, *, name: str, is_starred: bool, project: Project | None) -> None:
    """Store the name and the star of the run, and the project of its whole tree."""
    node = keep_node(job)
    Node.objects.filter(pk=node.pk).update(name=name, is_starred=is_starred)
    Node.objects.filter(tree=node.tree, user=node.user_id).update(project=project)
