"""The search: where it finds, and for whom."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.factories.logbook import EntryFactory, RunFactory
from tests.factories.repositories import make_notes, make_repository, make_signer

pytestmark = pytest.mark.django_db
HIT = re.compile(r'<h3><a href="([^"]+)">([^<]+)</a></h3>\s*<p class="small muted">([^<]+)</p>')


def find(client: Client, words: str) -> list[tuple[str, ...]]:
    page = client.get("/library/search/", {"words": words}).content.decode()
    return sorted(HIT.findall(page))


def test_all_places_are_found_together(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    release = ReleaseFactory.create(
        slug="family", name="Family", model_card="It plays marbles.", data_card="On marbles."
    )
    HostedModelFactory.create(release=release, slug="tiny", name="Tiny", summary="A marble.")
    make_notes({"a/b.md": b"# Marble & machine\n"}, repository=make_repository(release))
    EntryFactory.create(
        run=RunFactory.create(release=release, slug="run", name="Run"), slug="lost",
        title="Lost", body="We lost our marbles.",
    )  # fmt: skip

    with django_assert_num_queries(5):
        page = client.get("/library/search/", {"words": "marble"}).content.decode()

    assert sorted(HIT.findall(page)) == [
        ("/library/family/notes/v1/a/b.md", "a/b.md", "Family notes, v1"),
        ("/logbook/run/lost/", "Lost", "Logbook of Run"),
        ("/models/tiny/", "Tiny", "Family"),
        ("/releases/family/data-card/", "Data card", "Family"),
        ("/releases/family/model-card/", "Model card", "Family"),
    ]
    assert page.count("<mark>Marble</mark> &amp; machine") == 1
    assert find(client, "marble -lost -machine -plays") == [
        ("/models/tiny/", "Tiny", "Family"),
        ("/releases/family/data-card/", "Data card", "Family"),
    ]


def test_only_what_the_reader_may_read_is_searched(client: Client) -> None:
    notes = make_notes({"a.md": b"marble"}, audience="licence_holders")
    release = notes.repository.release
    run = RunFactory.create(release=release, audience="licence")
    EntryFactory.create(run=run, body="A marble.")

    assert find(client, "marble") == []
    client.force_login(make_signer(ReleaseFactory.create()))
    assert find(client, "marble") == []
    client.force_login(make_signer(release))
    assert [where for _, _, where in find(client, "marble")] == [
        "Family notes, v1", f"Logbook of {run.name}",
    ]  # fmt: skip


def test_only_the_newest_revision_is_searched(client: Client) -> None:
    first = make_notes({"a.md": b"marble"})
    make_notes({"a.md": b"glass"}, repository=first.repository)

    assert find(client, "marble") == []
    assert find(client, "glass") == [("/library/family/notes/v2/a.md", "a.md", "Family notes, v2")]


@pytest.mark.parametrize("words", ["", "   ", "x" * 201])
def test_a_search_that_cannot_be_made_says_why(client: Client, words: str) -> None:
    answer = client.get("/library/search/", {"words": words})

    assert (answer.status_code, answer.content.count(b"field__error")) == (422, 1)
    assert client.get("/library/search/").status_code == 200
