"""The file of research organisations with their identifiers of the Research Organization Registry.

It needs neither Django nor a database.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from portal.platform.core.names import fold_name

COLUMNS: Final = ("ror", "name", "other_names", "domains")
ROR: Final = re.compile(r"0[0-9a-hj-km-np-tv-z]{6}[0-9]{2}")
_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""The digits of Crockford's base 32, in which identifiers are written."""


@dataclass(frozen=True)
class Organisation:
    """One organisation: nine characters of its identifier, its name, and its mail domains."""

    ror: str
    name: str
    domains: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"https://ror.org/{self.ror}"

    def has_domain(self, domain: str) -> bool:
        """Whether a mail domain is one of its own, or a subdomain of one."""
        return any(domain == own or domain.endswith(f".{own}") for own in self.domains)


@lru_cache(maxsize=4)
def read_affiliations(path: Path) -> Mapping[str, Organisation]:
    """Organisations by each of their names, as `fold_name` writes it; read once per process.

    Raises `ValueError` with one line that names the line of the file.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"cannot read {path} ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    found: dict[str, Organisation] = {}
    for number, names, organisation in _read_rows(lines, path=path):
        for name in filter(None, map(fold_name, names)):
            if found.setdefault(name, organisation) != organisation:
                raise ValueError(f"{path}, line {number}: {name!r} already names another")
    return found


def is_ror(identifier: str) -> bool:
    """Whether the text is one, with the right check digits (ISO 7064, modulo 97-10)."""
    if not ROR.fullmatch(identifier):
        return False
    number = 0
    for digit in identifier[1:7]:
        number = number * 32 + _DIGITS.index(digit)
    return 98 - number * 100 % 97 == int(identifier[7:])


def _read_rows(lines: list[str], *, path: Path) -> Iterator[tuple[int, list[str], Organisation]]:
    kept = [(number, line) for number, line in enumerate(lines, 1) if not line.startswith("#")]
    rows = csv.reader(line for _, line in kept)
    for (number, _), row in zip(kept, rows, strict=True):
        if number == kept[0][0]:
            if tuple(row) != COLUMNS:
                raise ValueError(f"{path}, line {number}: the columns are {', '.join(COLUMNS)}")
            continue
        if len(row) != len(COLUMNS) or not row[1].strip():
            raise ValueError(f"{path}, line {number}: needs {', '.join(COLUMNS)}")
        ror, name, other_names, domains = (cell.strip() for cell in row)
        if not is_ror(ror):
            raise ValueError(f"{path}, line {number}: {ror!r} is not a ror.org identifier")
        own = tuple(domain.lower() for domain in domains.split("|") if domain)
        yield number, [name, *other_names.split("|")], Organisation(ror, name, own)
