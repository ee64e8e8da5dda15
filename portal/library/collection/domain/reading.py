"""The files of a revision as a reader sees them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Sum

from portal.library.weights.models import File, FileText, Revision

README = "README.md"


@dataclass(frozen=True)
class Sums:
    """How many files, and how many bytes."""

    files: int
    size: int


def sum_files(revision: Revision) -> Sums:
    found = revision.files.aggregate(files=Count("pk"), size=Sum("size", default=0))
    return Sums(found["files"], found["size"])


def find_text(file: File) -> str | None:
    """The file's text; None if it is not text, or too long to be shown."""
    if file.size == 0:
        return ""
    return FileText.objects.filter(file=file).values_list("text", flat=True).first()


def find_readme(revision: Revision) -> str | None:
    """The text of the file that introduces the revision, if it has one."""
    found = FileText.objects.filter(file__revision=revision, file__path=README)
    return found.values_list("text", flat=True).first()
