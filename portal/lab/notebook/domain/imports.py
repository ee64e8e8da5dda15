"""Documents from a file: runs that were exported here or elsewhere, or any texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.utils import timezone
from pydantic import ValidationError

from inference_workers.contract import SamplingParams
from portal.lab.batches.domain.lines import LineRefusedError, number_lines, parse_line
from portal.lab.notebook.models import Node, Project
from portal.lab.notebook.wire import DocumentRow
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.json_text import find_fault
from portal.platform.core.wire import describe_invalid

AT_ONCE: Final = 1_000
KEPT_MOST: Final = 10_000
EXCERPT: Final = 160


def import_documents(user: User, lines: Iterable[bytes]) -> int:
    """Store a document for each line of JSON, all or none, and return their number.

    A document continues another if the file has that one on an earlier line. Numbers of tokens
    and where a text comes from are not imported: a file proves neither. Raises `DomainError`
    that names the line.
    """
    rows = [_read_line(number, text) for number, text in number_lines(lines)]
    if not rows:
        raise invalid_value("The file has no documents.", field="file")
    if len(rows) > AT_ONCE:
        raise invalid_value(
            f"The file has {len(rows):,} documents; at most {AT_ONCE:,} are imported at once. "
            "Split it.",
            field="file",
        )
    if Node.objects.filter(user=user, job=None).count() + len(rows) > KEPT_MOST:
        raise invalid_value(
            f"You may keep {KEPT_MOST:,} imported documents. Delete some first.", field="file"
        )
    with transaction.atomic():
        Node.objects.bulk_create(_build_nodes(user, rows))
    return len(rows)


def list_imported(user: User) -> QuerySet[Node]:
    """The person's imported documents, newest first, with `excerpt` instead of the texts."""
    nodes = Node.objects.filter(user=user, job=None).exclude(text="").select_related("project")
    return nodes.defer("text").annotate(excerpt=Left("text", EXCERPT)).order_by("-created_at", "pk")


def find_imported(user: User, node_id: UUID) -> Node | None:
    """One imported document of the person, or None."""
    return Node.objects.filter(user=user, job=None, pk=node_id).exclude(text="").first()


def delete_imported(user: User, node_id: UUID) -> bool:
    """Erase an imported document; what continues it remains. False if there is none."""
    nodes = Node.objects.filter(user=user, job=None, pk=node_id).exclude(text="")
    return bool(nodes.update(text="", params=None, name=""))


def _read_line(number: int, text: bytes) -> tuple[DocumentRow, SamplingParams | None]:
    try:
        value = parse_line(number, text)
    except LineRefusedError as refused:
        raise invalid_value(refused.error.message, field="file") from None
    if (fault := find_fault(value)) is not None:
        raise _refuse(number, fault)
    try:
        row = DocumentRow.model_validate(value)
    except ValidationError as error:
        raise _refuse(number, describe_invalid(error.errors())) from None
    if not row.prompt + row.text:
        raise invalid_value(f"Line {number}: it has neither prompt nor text.", field="file")
    try:
        sampling = None if row.sampling is None else SamplingParams.model_validate(row.sampling)
    except ValidationError as error:
        fault = describe_invalid(error.errors())
        raise invalid_value(f"Line {number}: sampling.{fault.message}", field="file") from None
    return row, sampling


def _refuse(number: int, fault: DomainError) -> DomainError:
    return invalid_value(f"Line {number}: {fault.message}", field="file")


def _build_nodes(
    user: User, rows: Iterable[tuple[DocumentRow, SamplingParams | None]]
) -> Iterable[Node]:
    now, known, projects = timezone.now(), dict[str, Node](), dict[str, Project]()
    for row, sampling in rows:
        name, pk = row.notes.project, uuid4()
        if name and name not in projects:
            projects[name], _ = Project.objects.get_or_create(
                user=user, name=name, defaults={"created_at": now}
            )
        parent = known.get(row.notes.parent or "")
        node = Node(
            id=pk,
            user=user,
            parent=parent,
            tree=parent.tree if parent else pk,
            project=projects.get(name or ""),
            name=row.notes.name,
            is_starred=row.notes.is_starred,
            text=row.prompt + row.text,
            params=None if sampling is None else sampling.model_dump(mode="json"),
            created_at=now,
        )
        if row.id:
            known[row.id] = node
        yield node
