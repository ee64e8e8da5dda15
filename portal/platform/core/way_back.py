"""From an address that is no page to the nearest that is one."""

from __future__ import annotations

from django.urls import Resolver404, resolve


def find_way_back(path: str) -> str:
    """The nearest address above this one; what takes only POSTs lies under the page of its form."""
    parts = path.strip("/").split("/")
    for length in range(len(parts) - 1, 0, -1):
        above = "/" + "/".join(parts[:length]) + "/"
        try:
            resolve(above)
        except Resolver404:
            continue
        return above
    return "/"
