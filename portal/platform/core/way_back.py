"""The nearest page above an address that is not a page."""

from __future__ import annotations

from django.urls import Resolver404, resolve


def find_way_back(path: str) -> str:
    """The nearest address above this one. An address for POSTs is below the page of its form."""
    parts = path.strip("/").split("/")
    for length in range(len(parts) - 1, 0, -1):
        above = "/" + "/".join(parts[:length]) + "/"
        try:
            resolve(above)
        except Resolver404:
            continue
        return above
    return "/"
