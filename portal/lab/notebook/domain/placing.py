"""Where a run belongs in the tree of a person's documents.

A run without a node is a tree of its own, so that only runs that others continue, and those that
somebody names, need one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from portal.lab.jobs.domain.history import runs_of
from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.models import Node, Project
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class Place:
    """Without a tree, a document begins one."""

    parent: Node | None = None
    tree: UUID | None = None
    project: Project | None = None


def place_runs(jobs: Sequence[GenerationJob], *, source: UUID | None) -> None:
    """Put runs of one prompt into the tree of `source`, the document it was made from.

    The texts decide on the place: a run continues the nearest document, from the source to the
    root, of whose completion its prompt keeps a part. A prompt that keeps no part of any
    completion begins beside the root, and one that shares nothing with the source begins a tree.
    """
    place = _find_place(jobs[0], source)
    if place.tree is None and len(jobs) == 1:
        return
    tree = place.tree or jobs[0].pk
    Node.objects.bulk_create(
        Node(
            id=job.pk,
            user=job.user,
            job=job,
            parent=place.parent,
            tree=tree,
            project=place.project,
            created_at=job.created_at,
        )
        for job in jobs
    )


def keep_node(job: GenerationJob) -> Node:
    """The run's node, made if it has none."""
    made = {"user": job.user, "job": job, "tree": job.pk, "created_at": job.created_at}
    return Node.objects.get_or_create(pk=job.pk, defaults=made)[0]


def _find_place(job: GenerationJob, source: UUID | None) -> Place:
    place = Place()
    node = _find_node(job.user, source)
    while node is not None:
        text, inherited = _read_document(node)
        shared = _count_shared(text, job.prompt)
        # A blank alone is no part of a completion: most completions begin with one.
        if text[inherited:shared].strip():
            return Place(node, node.tree, node.project)
        if shared > 0 and place.tree is None:
            place = Place(None, node.tree, node.project)
        node = _find_node(job.user, node.parent_id)
    return place


def _find_node(user: User, node_id: UUID | None) -> Node | None:
    if node_id is None:
        return None
    node = Node.objects.filter(user=user, pk=node_id).select_related("job", "project").first()
    if node is None and (job := runs_of(user).filter(pk=node_id).first()):
        return keep_node(job)
    return node


def _read_document(node: Node) -> tuple[str, int]:
    """The node's text, and how many characters of it are the run's prompt."""
    if node.job is None:
        return node.text, 0
    return node.job.prompt + node.job.text, len(node.job.prompt)


def _count_shared(one: str, other: str) -> int:
    """The characters at the beginning that both have."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
