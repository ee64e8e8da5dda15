"""The tree of a person's documents: shown, and pruned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Concat, Left, Right

from portal.lab.jobs.domain.stopping import erase_jobs
from portal.lab.jobs.models import LARGE_FIELDS, GenerationJob
from portal.lab.notebook.models import Node
from portal.platform.accounts.models import User

EXCERPT: Final = 100
TAIL: Final = 24
SHOWN: Final = 200
DEEPEST: Final = 6


@dataclass(frozen=True)
class Branch:
    """A node as the tree shows it.

    A document that is the only one to continue another has the same depth as that one.
    """

    node: Node
    depth: int
    begins: str
    """The beginning of a root's text."""
    tail: str
    """The end of a prompt that is not what its parent ended with, after an ellipsis if cut."""
    completion: str

    @property
    def level(self) -> int:
        """The depth that a page can still show by an indent."""
        return min(self.depth, DEEPEST)


def list_tree(node: Node) -> list[Branch]:
    """The newest SHOWN nodes of the node's tree, each after the one it continues."""
    nodes = list(_read_nodes(Node.objects.filter(user=node.user_id, tree=node.tree)))
    known = {found.pk for found in nodes}
    children: dict[UUID | None, list[Node]] = defaultdict(list)
    for found in reversed(nodes):
        children[found.parent_id if found.parent_id in known else None].append(found)
    return list(_walk(children))


def _read_nodes(nodes: QuerySet[Node]) -> QuerySet[Node]:
    parent = Concat("parent__job__prompt", "parent__job__text", "parent__text")
    return (
        nodes.select_related("job__model")
        .defer("text", *(f"job__{name}" for name in LARGE_FIELDS))
        .annotate(
            begins=Left(Concat("job__prompt", "text"), EXCERPT),
            completion=Left("job__text", EXCERPT),
            tail=Right("job__prompt", TAIL),
            goes_on=Q(job__prompt=parent),
        )
        .order_by("-created_at", "-id")[:SHOWN]
    )


def _walk(children: Mapping[UUID | None, list[Node]]) -> Iterator[Branch]:
    waiting = [(root, 0) for root in reversed(children[None])]
    while waiting:
        node, depth = waiting.pop()
        yield _describe(node, depth)
        below = children.get(node.pk, [])
        waiting += [(child, depth + (len(below) > 1)) for child in reversed(below)]


def _describe(node: Any, depth: int) -> Branch:  # noqa: ANN401 -- a Node with annotations
    is_root = node.parent_id is None
    return Branch(
        node=node,
        depth=depth,
        begins=node.begins if is_root else "",
        tail="" if is_root or node.goes_on else _cut(node.tail),
        completion=node.completion or "",
    )


def _cut(tail: str) -> str:
    return f"…{tail}" if len(tail) == TAIL else tail


def prune(node: Node, *, actor: User) -> int:
    """Erase the run of the node and all runs that continue it; return their number.

    Do not call it in a transaction: workers are told to stop before anything is erased.
    """
    below = _list_below(node)
    erased = erase_jobs(GenerationJob.objects.filter(pk__in=below), actor=actor)
    Node.objects.filter(pk=node.pk).delete()
    return erased


def _list_below(node: Node) -> set[UUID]:
    """The node and its descendants."""
    parents = dict(Node.objects.filter(tree=node.tree).values_list("pk", "parent"))
    below: set[UUID] = set()
    new = {node.pk}
    while new:
        below |= new
        new = {pk for pk, parent in parents.items() if parent in new}
    return below
