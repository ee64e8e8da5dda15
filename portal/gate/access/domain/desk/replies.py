"""Replies that reviewers often give: a file of the release."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from pydantic import BaseModel, ConfigDict, ValidationError

from portal.gate.access.enums import Command, ReasonCode
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

FILE = "replies.toml"
_PLACES = re.compile(r"\{(?:name|case)\}")


class Reply(BaseModel):
    """One reply; `{name}` and `{case}` in its text are filled in, other braces stay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: Command
    reason: ReasonCode | None = None
    title: str
    text: str

    def fill(self, *, name: str, case: str) -> str:
        values = {"{name}": name, "{case}": case}
        return _PLACES.sub(lambda found: values[found[0]], self.text.strip())


def list_replies(command: Command) -> list[Reply]:
    """The release's replies for a command, in the order of its file; none without a file.

    Raises `DomainError` with code `replies_invalid` naming what is wrong in the file.
    """
    path = Path(settings.RELEASE_DIR) / FILE
    if not path.is_file():
        return []
    replies = _read(path, path.stat().st_mtime_ns)
    return [reply for reply in replies if reply.command == command]


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> Sequence[Reply]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(Reply.model_validate(reply) for reply in data.get("replies", []))
    except tomllib.TOMLDecodeError as error:
        raise DomainError(RefusalCode.REPLIES_INVALID, f"{FILE}: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DomainError(
            RefusalCode.REPLIES_INVALID, f"{FILE}: {where}: {first['msg']}."
        ) from error
