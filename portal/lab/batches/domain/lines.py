"""JSON lines: the requests of a file, and its errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from portal.platform.core.errors import DomainError
from portal.platform.core.json_text import explain_syntax, find_fault, parse_json

CUSTOM_ID_LENGTH: Final = 255
ERRORS_NAMED: Final = 100
"""After this many errors the rest of the file is not read."""


@dataclass(frozen=True)
class LineError:
    """An error in one line, or without `line` in the whole file."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


class LineRefusedError(Exception):
    """A line is refused."""

    def __init__(self, error: LineError) -> None:
        super().__init__(error.code)
        self.error = error


@dataclass(frozen=True)
class RowRequest:
    """One request of an input file."""

    line: int
    custom_id: str
    body: dict[str, Any]
    fault: DomainError | None
    """Why the API would have refused the body."""


def number_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their line numbers from 1."""
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if text:
            yield number, text


def parse_line(number: int, text: bytes) -> dict[str, Any]:
    """The object on a line; raises `LineRefusedError`."""
    try:
        value = parse_json(text)
    except ValueError as error:
        message = f"is not valid JSON: {explain_syntax(error)}."
        raise _refuse("invalid_json_line", number, message) from None
    if not isinstance(value, dict):
        raise _refuse("invalid_json_line", number, "is not a JSON object.")
    return value


def read_requests(lines: Iterable[bytes], *, endpoint: str) -> Iterator[RowRequest | LineError]:
    """The requests of the file, and the errors of the lines that are not requests."""
    seen: dict[str, int] = {}
    for number, text in number_lines(lines):
        try:
            row = _parse_request(number, text, endpoint=endpoint)
        except LineRefusedError as refused:
            yield refused.error
            continue
        if row.custom_id in seen:
            yield LineError(
                "duplicate_custom_id",
                f"Line {number} has the same custom_id as line {seen[row.custom_id]}.",
                line=number,
                param="custom_id",
            )
            continue
        seen[row.custom_id] = number
        yield row


def _parse_request(number: int, text: bytes, *, endpoint: str) -> RowRequest:
    value = parse_line(number, text)
    for name in ("custom_id", "method", "url", "body"):
        if name not in value:
            raise _refuse("missing_required_parameter", number, f"has no {name}.", param=name)
    custom_id = value["custom_id"]
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= CUSTOM_ID_LENGTH:
        message = f"has a custom_id that is not a string of 1 to {CUSTOM_ID_LENGTH} characters."
        raise _refuse("invalid_custom_id", number, message, param="custom_id")
    if not custom_id.isprintable():
        message = "has a custom_id with unprintable characters."
        raise _refuse("invalid_custom_id", number, message, param="custom_id")
    if value["method"] != "POST":
        raise _refuse("invalid_method", number, "has a method that is not POST.", param="method")
    if value["url"] != endpoint:
        message = f"has a url that is not the batch's endpoint, {endpoint}."
        raise _refuse("mismatched_endpoint", number, message, param="url")
    body = value["body"]
    if not isinstance(body, dict):
        raise _refuse("invalid_body", number, "has a body that is not an object.", param="body")
    model = body.get("model")
    if not isinstance(model, str) or find_fault(model) is not None:
        message = "names no model in its body."
        raise _refuse("missing_required_parameter", number, message, param="body.model")
    if body.get("stream"):
        message = "asks for a stream, which batches do not support."
        raise _refuse("unsupported_parameter", number, message, param="body.stream")
    return RowRequest(number, custom_id, body, find_fault(body))


def _refuse(code: str, number: int, message: str, *, param: str | None = None) -> LineRefusedError:
    return LineRefusedError(LineError(code, f"Line {number} {message}", line=number, param=param))
