"""The proxies of docs/operations.md accept what the site accepts, and hardly more."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from demo.place import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
NGINX = PAGE.partition("```nginx\n")[2].partition("```")[0]
CADDY = PAGE.partition("```\n{\n    servers {")[2].partition("```")[0]
MIB = 2**20


def most(*, api: bool) -> int:
    """The largest body that the site accepts in any kind of request."""
    return max(
        limit.bytes for prefix, limit in settings.REQUEST_BODIES if prefix.startswith("/v1/") is api
    )


@pytest.mark.parametrize(
    ("pattern", "is_api"),
    [
        (r"server \{(?:(?!location).)*client_max_body_size (\d+)m;", False),
        (r"location /v1/ \{[^}]*client_max_body_size (\d+)m;", True),
    ],
)
def test_nginx_takes_as_much_as_the_site(pattern: str, is_api: bool) -> None:
    (number,) = re.findall(pattern, NGINX, re.DOTALL)

    assert most(api=is_api) <= int(number) * MIB < most(api=is_api) + MIB


def test_caddy_leaves_the_limit_to_the_site() -> None:
    # It returns 502 if its own limit is reached.
    assert "reverse_proxy" in CADDY
    assert "request_body" not in CADDY
