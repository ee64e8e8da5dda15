"""A revision's metadata as Croissant 1.0, which loaders of data sets read (JSON-LD)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from django.conf import settings

from portal.library.collection.domain.citation import address_of, list_authors, write_bibtex
from portal.library.collection.domain.licences import describe_licence
from portal.library.weights.models import File, Revision

CONTEXT: Final = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "recordSet": "cr:recordSet",
    "source": "cr:source",
}
FORMATS: Final = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".md": "text/markdown",
    ".parquet": "application/x-parquet",
    ".py": "text/x-python",
    ".txt": "text/plain",
}
ANY_FORMAT: Final = "application/octet-stream"
TABLE: Final = "text/csv"


def describe_croissant(revision: Revision, files: Iterable[File]) -> dict[str, Any]:
    """The data set with all its files; columns of those CSV files that the site has as text."""
    repository, files = revision.repository, list(files)
    licence = describe_licence(repository)
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": repository.slug,
        "alternateName": repository.name,
        "description": repository.summary,
        "url": address_of(revision),
        "license": licence.url or licence.name,
        "version": f"{revision.number}.0.0",
        "datePublished": revision.published_at.date().isoformat(),
        "creator": [{"@type": "sc:Organization", "name": name} for name in list_authors(revision)],
        "citeAs": write_bibtex(revision),
        "distribution": [_describe_file(revision, file) for file in files],
        "recordSet": [
            _describe_table(file, rows)
            for file in files
            if _format_of(file) == TABLE and (rows := _read_table(file))
        ],
    }


def _describe_file(revision: Revision, file: File) -> dict[str, Any]:
    place = f"/hub/datasets/{revision.repository}/resolve/{revision.commit}/{quote(file.path)}"
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": settings.SITE_URL + place,
        "contentSize": f"{file.size} B",
        "encodingFormat": _format_of(file),
        "sha256": file.sha256,
    }


def _read_table(file: File) -> list[list[str]]:
    """The rows with their header; none if the text is not known or is not a proper table."""
    if not hasattr(file, "text"):
        return []
    try:
        rows = [row for row in csv.reader(io.StringIO(file.text.text), strict=True) if row]
    except csv.Error:
        return []
    names = rows[0] if rows else []
    is_proper = all(names) and len({*names}) == len(names) and {len(names)} == {*map(len, rows)}
    return rows if is_proper else []


def _describe_table(file: File, rows: list[list[str]]) -> dict[str, Any]:
    columns = zip(*rows, strict=True)
    return {
        "@type": "cr:RecordSet",
        "@id": f"{file.path}#rows",
        "name": f"{file.path}#rows",
        "field": [_describe_column(file, name, values) for name, *values in columns],
    }


def _describe_column(file: File, name: str, values: Sequence[str]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{file.path}#{name}",
        "name": name,
        "dataType": _find_type(values),
        "source": {"fileObject": {"@id": file.path}, "extract": {"column": name}},
    }


def _find_type(values: Sequence[str]) -> str:
    """What every value of the column is; a number may be missing."""
    written = [value for value in values if value]
    if written and len(written) == len(values) and all(_is_number(each, int) for each in written):
        return "sc:Integer"
    if written and all(_is_number(each, float) for each in written):
        return "sc:Float"
    return "sc:Text"


def _is_number(text: str, kind: type[int | float]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _format_of(file: File) -> str:
    return FORMATS.get(PurePosixPath(file.path).suffix.lower(), ANY_FORMAT)
