"""The library's pages, for those who may read and for others."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import AsyncClient, Client
from pytest_django import DjangoAssertNumQueries

from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.logbook import RunFactory
from tests.factories.repositories import README, make_notes, make_repository, make_signer
from tests.factories.weights import make_revision
from tests.lab.playground.sse import in_thread
from tests.library.weights.client import read_body

pytestmark = pytest.mark.django_db
NOTES = "/library/family/notes/v1/"


def words(page: bytes) -> str:
    """The page's text, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.decode())).split())


def test_everything_of_a_release_stands_together(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    weights = make_revision()
    release = weights.repository.model.release
    make_notes(repository=make_repository(release))
    closed = make_repository(
        release, kind="data", slug="data", name="Family data", audience="licence_holders",
        spdx="", licence=release.licence,
    )  # fmt: skip
    make_notes({"a.txt": b"a"}, repository=closed)
    make_notes({"a.txt": b"b" * 2000}, repository=closed)
    RunFactory.create(release=release, name="Tiny run")

    with django_assert_num_queries(4):
        page = client.get("/library/")

    text = words(page.content)
    (table,) = re.findall(r"<tbody>.*?</tbody>", page.content.decode(), re.DOTALL)
    rows = [words(row.encode()) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)]
    day = f"{weights.published_at:%-d %B %Y}"
    name = weights.repository.model.name
    how, signed = "How the family was made.", "Holders of the signed licence"
    assert rows == [
        f"{name} Weights v1 {day} 4.12 kB 2 files Apache-2.0 Holders of a grant",
        f"Family notes {how} Notes v1 {day} 133 bytes 3 files CC-BY-4.0 Everybody",
        f"Family data {how} Data v2 {day} 2 kB 1 file {release.licence.name} {signed}",
    ]
    assert text.count("Logbook of Tiny run") == text.count(f"Data card of {release.name}") == 1


def test_a_repository_shows_its_files_its_readme_and_how_to_cite_it(client: Client) -> None:
    notes = make_notes()

    newest = client.get("/library/family/notes/")
    page = client.get(NOTES).content.decode()

    assert (newest.status_code, newest["Location"]) == (302, NOTES)
    assert re.findall(r'href="/library/files/family/notes/v1/([^"]+)"', page) == [
        "README.md", "steps/one.md", "table.csv",
    ]  # fmt: skip
    # Links of a README are relative to it.
    assert page.count('<a href="steps/one.md" rel="noopener noreferrer">the steps</a>') == 1
    assert page.count("&lt;b&gt;no markup&lt;/b&gt;") == 1
    assert page.count("hf download family/notes --repo-type dataset --revision v1") == 1
    assert page.count("HF_TOKEN") == 0
    assert page.count(f"Commit {notes.commit}. Licence: CC-BY-4.0") == 1


def test_text_is_read_in_place_and_nothing_else(client: Client) -> None:
    files = {
        "a.md": b"**Bold** <i>", "b.py": b"<script>1</script>\n", "c.dat": b"\xff\x00",
        "d.txt": b"x" * 200_001, "e.txt": b"",
    }  # fmt: skip
    make_notes(files)

    pages = {name: client.get(NOTES + name).content.decode() for name in files}

    assert pages["a.md"].count("<p><strong>Bold</strong> &lt;i&gt;</p>") == 1
    assert pages["b.py"].count("&lt;script&gt;1&lt;/script&gt;\n</pre>") == 1
    assert [pages[name].count("Not shown here") for name in files] == [0, 0, 1, 1, 0]
    assert pages["e.txt"].count("This file is empty.") == 1


def test_an_older_revision_keeps_its_address(client: Client) -> None:
    first = make_notes()
    make_notes({"README.md": b"Second."}, repository=first.repository)

    assert client.get("/library/family/notes/")["Location"] == "/library/family/notes/v2/"
    assert words(client.get(NOTES).content).count("See the steps .") == 1
    by_commit = client.get(f"/library/family/notes/{first.commit}/")
    assert words(by_commit.content).count("See the steps .") == 1
    for path in ("family/none/", "none/notes/", "family/notes/v9/", "family/notes/v1/none.md"):
        assert client.get(f"/library/{path}").status_code == 404


def test_notes_for_holders_of_the_licence(client: Client) -> None:
    notes = make_notes(audience="licence_holders")
    paths = (NOTES, f"{NOTES}README.md")
    data = [NOTES.rstrip("/") + ending for ending in (".bib", ".cff", ".croissant.json")]
    licence = notes.repository.release.licence

    def look() -> list[int]:
        return [client.get(path).status_code for path in (*paths, *data)]

    stranger = client.get(NOTES)
    assert look() == [403] * 5
    assert stranger.content.count(f'href="/account/login/?next={NOTES}"'.encode()) == 1
    client.force_login(UserFactory.create())
    page = client.get(f"{NOTES}README.md")
    assert look() == [403] * 5
    assert page.content.count(f'href="/licence/{licence.slug}/sign/"'.encode()) == 1
    assert page.content.count(b"The <em>loss</em> fell") == 0
    client.force_login(make_signer(notes.repository.release))
    assert look() == [200] * 5
    assert client.get(NOTES).content.count(b"HF_TOKEN") == 2


@pytest.mark.django_db(transaction=True)
async def test_a_download_is_the_file_for_those_who_may_read(async_client: AsyncClient) -> None:
    closed = await in_thread(lambda: make_notes(audience="licence_holders"))
    signer = await in_thread(lambda: make_signer(closed.repository.release))
    url = "/library/files/family/notes/v1/README.md"

    refused = await async_client.get(url)
    await async_client.aforce_login(signer)
    sent = await async_client.get(url)
    head = await async_client.head(url)
    part = await async_client.get(url, headers={"Range": "bytes=2-6"})
    missing = await async_client.get("/library/files/family/notes/v1/none.md")

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_signed_in")
    assert (sent.status_code, missing.status_code) == (200, 404)
    assert await read_body(sent) == README
    assert (part.status_code, await read_body(part)) == (206, README[2:7])
    assert (head.streaming, head["Content-Length"]) == (False, str(len(README)))
    assert sent["Content-Disposition"] == 'attachment; filename="README.md"'
    assert sent["Content-Type"] == "application/octet-stream"


def test_the_site_leads_here(client: Client) -> None:
    model = HostedModelFactory.create()
    make_notes(repository=make_repository(model.release))
    make_notes(slug="other")

    page = client.get(f"/models/{model.slug}/").content.decode()

    assert page.count('<a href="/library/"') == 2
    assert page.count('<a href="/logbook/"') == 1
    link = f'<a href="/library/{model.release.slug}/notes/">Family notes</a>: notes, v1'
    assert page.count(link) == 1
    assert page.count("/other/") == 0
