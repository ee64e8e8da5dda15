"""The site's handler: the same responses as Django's, with fewer switches to a thread."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx2
import pytest
from asgiref.sync import SyncToAsync

from portal.config.asgi import application
from portal.platform.core.handler import SiteHandler

pytestmark = pytest.mark.django_db(transaction=True)
TURNS = 2
"""The page, and the request's end."""


async def fetch(path: str, *, app: Any = application) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 5000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/models/", 200, "text/html; charset=utf-8"),
        ("/no-such-page/", 404, "text/html; charset=utf-8"),
        ("/static/css/base.css", 200, 'text/css; charset="utf-8"'),
    ],
)
async def test_every_answer_has_the_security_headers(path: str, status: int, kind: str) -> None:
    response = await fetch(path)

    assert (response.status_code, response.headers["Content-Type"]) == (status, kind)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"


async def test_a_page_is_made_in_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Counter[str]()
    call = SyncToAsync.__call__

    async def count(self: Any, *args: Any, **kwargs: Any) -> Any:
        turns["turns"] += 1
        return await call(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", count)
    # As in a process that has just started: Django's test client connects its signals again.
    handler = SiteHandler(places=1)

    assert (await fetch("/models/", app=handler)).status_code == 200
    assert turns["turns"] == TURNS
