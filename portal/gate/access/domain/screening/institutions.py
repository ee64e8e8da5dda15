"""Whether an address belongs to an institution: by the endings of academic domains, and a list."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from portal.platform.core.domain_names import canonical_domain, describe_domain, find_lookalike

FILE = "institutions.txt"
ACADEMIC = re.compile(r"(?:^|\.)(?:edu|(?:ac|edu)\.[a-z]{2})$")
"""Endings whose registries give names to academic institutions only."""
FREE_MAIL = frozenset(
    {
        "aol.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com", "icloud.com",
        "live.com", "mail.ru", "outlook.com", "pm.me", "proton.me", "protonmail.com", "qq.com",
        "163.com", "web.de", "yahoo.com", "yandex.ru",
    }
)  # fmt: skip
"""Anyone can get an address there; that is no mark against an applicant."""


@dataclass(frozen=True)
class DomainFact:
    """What is known about a domain, and from which source. It decides nothing by itself."""

    value: str
    source: str
    is_institutional: bool


def judge_domain(domain: str) -> DomainFact:
    """A fact about a domain: on the release's list, academic by its ending, free mail, or unknown.

    The list is `institutions.txt` of the release folder: a line for each domain, which
    covers its subdomains too; `#` starts a comment. A domain that looks like another one
    is marked.
    """
    domain = canonical_domain(domain.strip("."))
    fact = _judge(domain)
    lookalike = find_lookalike(domain)
    return replace(fact, source=f"{fact.source}; {lookalike}") if lookalike else fact


def _judge(domain: str) -> DomainFact:
    shown = describe_domain(domain)
    listed = next((name for name in _parents(domain) if name in _read_list()), "")
    if listed:
        source = f"{listed} is on this site's list"
        return DomainFact(f"{shown} belongs to an institution", source, is_institutional=True)
    if found := ACADEMIC.search(domain):
        ending = found[0].lstrip(".")
        source = f"only academic institutions get names under .{ending}"
        return DomainFact(f"{shown} is academic", source, is_institutional=True)
    if domain in FREE_MAIL:
        source = "on the list of mail services"
        return DomainFact(f"{shown} is a mail service", source, is_institutional=False)
    return DomainFact(f"{shown} is not known here", "on no list", is_institutional=False)


def _parents(domain: str) -> list[str]:
    labels = domain.split(".")
    return [".".join(labels[n:]) for n in range(len(labels) - 1)]


def _read_list() -> frozenset[str]:
    path = Path(settings.RELEASE_DIR) / FILE
    if not path.is_file():
        return frozenset()
    return _parse(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _parse(path: Path, _changed: int) -> frozenset[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    names = (line.partition("#")[0].strip().lower().strip(".") for line in lines)
    return frozenset(name for name in names if name)
