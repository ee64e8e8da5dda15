"""The structure that the text must have, requested by vLLM's fields or by OpenAI's."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError

from inference_workers.contract import Structure
from portal.lab.completions.domain.closed_objects import close_objects
from portal.lab.completions.domain.compiling import compilers
from portal.lab.completions.domain.structure_bounds import require_bounded
from portal.lab.completions.wire import CompletionRequest, ResponseFormat, StructuredOutputs
from portal.platform.core.errors import invalid_value

ANY_OBJECT: Final[dict[str, Any]] = {"type": "object"}


def parse_structure(request: CompletionRequest) -> Structure | None:
    """The requested structure; raises `DomainError` naming the field.

    Raises `UncompiledError` for a structure that was not checked yet: see `with_compiled`.
    """
    wanted = read_format(request.response_format)
    if wanted is not None and request.structured_outputs is not None:
        raise invalid_value(
            "Send response_format or structured_outputs, not both.", field="response_format"
        )
    return wanted or _read(request.structured_outputs)


def read_format(wanted: ResponseFormat | None) -> Structure | None:
    """The structure; None for plain text. Raises `DomainError` if type and schema do not match."""
    if wanted is None:
        return None
    if wanted.type == "json_schema" and wanted.json_schema is None:
        raise invalid_value(
            "response_format.json_schema is missing; type json_schema requires it.",
            field="response_format.json_schema",
        )
    if wanted.type != "json_schema" and wanted.json_schema is not None:
        raise invalid_value(
            f"response_format.json_schema requires type json_schema, but type is {wanted.type}.",
            field="response_format.json_schema",
        )
    if wanted.json_schema is not None:
        structure = Structure(json_schema=close_objects(wanted.json_schema.json_schema))
        return require_structure(structure, field="response_format.json_schema.schema")
    return Structure(json_schema=ANY_OBJECT) if wanted.type == "json_object" else None


def require_structure(structure: Structure, *, field: str) -> Structure:
    """The structure; raises `DomainError` on the field if it is too large or does not compile.

    Raises `UncompiledError` as `parse_structure` does.
    """
    require_bounded(structure, field=field)
    compilers.require_compiled(structure, field=field)
    return structure


def _read(structure: StructuredOutputs | None) -> Structure | None:
    if structure is None:
        return None
    try:
        wanted = Structure(
            regex=structure.regex,
            choice=tuple(structure.choice or ()),
            json_schema=_close(structure.json_schema),
        )
    except ValidationError as error:
        raise invalid_value(
            "Send exactly one of regex, choice and json.", field="structured_outputs"
        ) from error
    return require_structure(wanted, field=f"structured_outputs.{_name_kind(wanted)}")


def _close(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if schema is None else close_objects(schema)


def _name_kind(structure: Structure) -> str:
    if structure.regex is not None:
        return "regex"
    return "choice" if structure.choice else "json"
