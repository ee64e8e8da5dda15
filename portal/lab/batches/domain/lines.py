"""JSON lines: what is wrong with a file, and the requests of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from portal.platform.core.errors import DomainError
from portal.platform.core.json_text import explain_syntax, find_fault, parse_json

CUSTOM_ID_LENGTH: Final = 255
ERRORS_NAMED: Final = 100
"""After so many the rest is not looked at."""


@dataclass(frozen=True)
class LineError:
    """What is wrong with one line, or with the whole where there is no line."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "param": self.param,
            "line": self.line,
        }


class LineRefusedError(Exception):
    """One line is not what it should be."""

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
    """Why the API would not have read the body."""


def number_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, numbered as an editor does."""
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
    """Every request of the file, and what is wrong with those that are none."""
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
                f"The custom_id of line {number} is that of line {seen[row.custom_id]}.",
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
        message = f"has a custom_id that is no text of 1 to {CUSTOM_ID_LENGTH} characters."
        raise _refuse("invalid_custom_id", number, message, param="custom_id")
    if not custom_id.isprintable():
        message = "has a custom_id with characters that cannot be printed."
        raise _refuse("invalid_custom_id", number, message, param="custom_id")
    if value["method"] != "POST":
        raise _refuse("invalid_method", number, "has a method that is not POST.", param="method")
    if value["url"] != endpoint:
        message = f"has another url than the batch, which is {endpoint}."
        raise _refuse("mismatched_endpoint", number, message, param="url")
    body = value["body"]
    if not isinstance(body, dict):
        raise _refuse("invalid_body", number, "has a body that is no object.", param="body")
    model = body.get("model")
    if not isinstance(model, str) or find_fault(model) is not None:
        message = "names no model in its body."
        raise _refuse("missing_required_parameter", number, message, param="body.model")
    if body.get("stream"):
        message = "asks for a stream, which a batch does not have."
        raise _refuse("unsupported_parameter", number, message, param="body.stream")
    return RowRequest(number, custom_id, body, find_fault(body))


def _refuse(code: str, number: int, message: str, *, param: str | None = None) -> LineRefusedError:
    return LineRefusedError(LineError(code, f"Line {number} {message}", line=number, param=param))
