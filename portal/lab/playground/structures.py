"""The structure of a completion as people type it: its kind, and a text."""

from __future__ import annotations

import json
from typing import Final

from django.core.exceptions import ValidationError

from inference_workers.contract import Structure
from portal.lab.completions.domain.closed_objects import close_objects
from portal.lab.completions.domain.compiling import with_compiled_once
from portal.lab.completions.domain.structure import require_structure
from portal.lab.playground.stops import format_stops, parse_stops
from portal.platform.core.errors import DomainError
from portal.platform.core.json_text import explain_syntax, find_fault, parse_json

KINDS: Final = (
    ("", "Free text"),
    ("regex", "Regular expression"),
    ("choice", "One of these texts"),
    ("json_schema", "JSON schema"),
)


def read_structure(kind: str, typed: str, *, person: int) -> Structure | None:
    """The structure, which compiles; raises `ValidationError`.

    The checks are those of `/v1`.
    """
    if not kind:
        return None
    structure = _read(kind, typed)
    try:
        return with_compiled_once(
            lambda: require_structure(structure, field="structure"), person=person
        )
    except DomainError as error:
        raise ValidationError(error.message[:1].upper() + error.message[1:]) from error


def write_structure(structure: Structure | None) -> tuple[str, str]:
    """The kind and the text that `read_structure` reads back."""
    if structure is None:
        return "", ""
    if structure.regex is not None:
        return "regex", structure.regex
    if structure.choice:
        return "choice", format_stops(structure.choice)
    return "json_schema", json.dumps(structure.json_schema, ensure_ascii=False, indent=2)


def _read(kind: str, typed: str) -> Structure:
    if not typed.strip():
        raise ValidationError("Describe the structure, or choose free text.")
    if kind == "regex":
        return Structure(regex=typed)
    if kind == "choice":
        return Structure(choice=parse_stops(typed))
    try:
        schema = parse_json(typed.encode())
    except ValueError as error:
        raise ValidationError(f"The schema is not valid JSON: {explain_syntax(error)}.") from error
    if not isinstance(schema, dict):
        raise ValidationError("The schema is not a JSON object.")
    if (fault := find_fault(schema)) is not None:
        raise ValidationError(f"In the schema, {fault.message}")
    return Structure(json_schema=close_objects(schema))
