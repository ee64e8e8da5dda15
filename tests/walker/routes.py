"""Every route of the site's URL configuration, with an address for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

ARGUMENT = re.compile(r"<(?:[^:>]+:)?(?P<name>[^>]+)>")
REGEX_ARGUMENT = re.compile(r"\(\?P<(?P<name>\w+)>[^)]*\)")


@dataclass(frozen=True)
class Route:
    """A pattern as the URL configuration spells it, and its qualified name."""

    pattern: str
    name: str

    @property
    def arguments(self) -> list[str]:
        return ARGUMENT.findall(self.pattern)

    def address(self, arguments: Mapping[str, object]) -> str:
        """The path with every argument filled in; raises `KeyError` for an unknown one."""
        return "/" + ARGUMENT.sub(
            lambda match: (
                str(arguments[f"{self.name}.{match['name']}"])
                if f"{self.name}.{match['name']}" in arguments
                else str(arguments[match["name"]])
            ),
            self.pattern,
        )


def all_routes() -> list[Route]:
    """All routes, sorted by pattern."""
    return sorted(set(_walk(get_resolver(), "", "")), key=lambda route: route.pattern)


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + _spell(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, pattern, inner)
        elif isinstance(entry, URLPattern):
            yield Route(pattern, f"{namespace}{entry.name or '(unnamed)'}")


def _spell(pattern: object) -> str:
    if isinstance(pattern, RoutePattern):
        return str(pattern)
    assert isinstance(pattern, RegexPattern)
    text = REGEX_ARGUMENT.sub(lambda match: f"<{match['name']}>", str(pattern))
    return text.removeprefix("^").removesuffix("$").removesuffix(r"\Z").replace("\\", "")
