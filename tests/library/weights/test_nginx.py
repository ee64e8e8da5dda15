"""nginx with the location of docs/operations.md sends the bytes, and keeps the site's headers."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.library.weights.domain.links import address_of, make_links
from portal.library.weights.models import Download
from tests.factories.weights import FILES, WEIGHTS, make_holder, make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.client import make_key
from tests.library.weights.programs import find_program
from tests.library.weights.test_hub_clients import HF, Machine
from tests.plugin import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
LOCATION = re.findall(r"    location /weights-internal/ \{[^}]*\}", PAGE)
FILE = "/hub/family/tiny/resolve/main/model.safetensors"
CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    limit_conn_zone $binary_remote_addr zone=addresses:1m;
    server {{
        listen 127.0.0.1:{port};
        proxy_set_header Host $host;
        location / {{ proxy_pass {site}; }}
        {location}
    }}
}}
"""


@asynccontextmanager
async def nginx_before(site: str, folder: Path, weights: Path) -> AsyncIterator[str]:
    """A proxy on a free port; yields its URL."""
    program = find_program("nginx", package="nginx-light")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (location,) = LOCATION
    location = location.replace("/srv/weights/", f"{weights}/")
    file = folder / "nginx.conf"
    file.write_text(CONFIG.format(folder=folder, port=port, site=site, location=location))
    process = await asyncio.create_subprocess_exec(program, "-p", folder, "-c", file)
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(10):
            while not await _listens(url):  # noqa: ASYNC110 -- another program
                await asyncio.sleep(0.05)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def _prepare() -> tuple[str, str, str, str]:
    revision = make_revision()
    file = revision.files.get(path="model.safetensors")
    holder = make_holder(revision.repository.model)
    links = address_of(make_links(holder, revision, at=timezone.now()))
    return revision.commit, f'"{file.etag}"', make_key(holder), f"{urlsplit(links).path}/files/"


async def test_nginx_sends_what_the_site_allows(
    tmp_path: Path, weights_dir: Path, settings: Settings
) -> None:
    settings.WEIGHTS_DELIVERY = "x-accel"
    commit, etag, key, files = await in_thread(_prepare)
    folder = tmp_path / "nginx"
    folder.mkdir()
    async with (
        serve() as site,
        nginx_before(site, folder, weights_dir) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        bearer = {"Authorization": f"Bearer {key}"}
        whole = await client.get(FILE, headers=bearer)
        part = await client.get(FILE, headers={**bearer, "Range": "bytes=10-19"})
        same = {**bearer, "Range": "bytes=-7", "If-Range": etag}
        conditional = await client.get(FILE, headers=same)
        other = await client.get(FILE, headers={**same, "If-Range": '"other"'})
        linked = await client.get(files + "model.safetensors", headers={"Range": "bytes=-7"})
        inside = await client.get("/weights-internal/one/model.safetensors", headers=bearer)
        refused = await client.get(FILE)
        machine = Machine(tmp_path / "home", url, key)
        done = await machine.run(
            HF["2.x"], "download", "family/tiny", "--local-dir", tmp_path / "got"
        )
        verified = await machine.run(
            HF["2.x"], "cache", "verify", "family/tiny", "--local-dir", tmp_path / "got"
        )

    for response in (whole, part, conditional, other, linked):
        assert response.headers["etag"] == etag
        assert response.headers["x-repo-commit"] == commit
    assert (whole.status_code, whole.content) == (200, WEIGHTS)
    assert (part.status_code, part.content) == (206, WEIGHTS[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(WEIGHTS)}"
    assert (conditional.status_code, conditional.content) == (206, WEIGHTS[-7:])
    assert (other.status_code, other.content) == (200, WEIGHTS)
    assert (linked.status_code, linked.content) == (206, WEIGHTS[-7:])
    assert linked.headers["cache-control"] == "no-store, no-transform"
    assert linked.headers["x-robots-tag"] == "noindex"
    assert (inside.status_code, refused.status_code) == (404, 401)
    assert (done.code, verified.code) == (0, 0), done
    assert {name: (tmp_path / "got" / name).read_bytes() for name in FILES} == FILES
    records = await in_thread(
        lambda: list(Download.objects.order_by("id").values_list("delivery", "first_byte", "sent"))
    )
    size = len(WEIGHTS)
    assert records == [
        ("x-accel", 0, size), ("x-accel", 10, 10), ("x-accel", size - 7, 7), ("x-accel", 0, size),
        ("x-accel", size - 7, 7), ("x-accel", 0, size),
    ]  # fmt: skip
