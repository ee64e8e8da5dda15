"""The file of countries whose applications are flagged; needs neither Django nor a database."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Version = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Code
    reason: Line


class CountryList(BaseModel):
    """A version of the list, as its file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Version
    source: Line
    country: tuple[_Entry, ...] = ()

    @cached_property
    def reasons(self) -> Mapping[str, str]:
        """Why each country is on it, by its two letters of ISO 3166-1."""
        return {entry.code: entry.reason for entry in self.country}


@lru_cache(maxsize=4)
def read_country_list(path: Path) -> CountryList:
    """Read and check the file, once per process; raises `ValueError` with one line."""
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path} ({error.strerror})") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    try:
        found = CountryList.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path}: {key}: {first['msg']}") from None
    codes = [entry.code for entry in found.country]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise ValueError(f"{path}: {twice[0]} is listed twice")
    return found
