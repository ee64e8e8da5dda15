"""The pages: search, filters, permalinks, citations, rights, and few queries."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from portal.library.logbook.enums import Audience, EntryKind
from portal.library.logbook.models import Run
from tests.factories.accounts import UserFactory
from tests.factories.licensing import LicenceVersionFactory, SignatureFactory
from tests.factories.logbook import EntryFactory, RunFactory, make_series, moment

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> Run:
    run = RunFactory.create(slug="tiny", name="Tiny")
    make_series(run, "loss", [5.0, 4.0, 3.5, 3.25, 3.0])
    EntryFactory.create(run=run, slug="start", title="It starts", kind=EntryKind.LAUNCH, step=0)
    EntryFactory.create(
        run=run, slug="boom", title="The loss explodes", kind=EntryKind.SPIKE, step=2,
        body="A host & its faulty <b>memory</b> module were replaced.",
    )  # fmt: skip
    EntryFactory.create(
        run=run, slug="memory", title="Memory tests", kind=EntryKind.HARDWARE, step=4,
        body="Every host is tested.",
    )  # fmt: skip
    return run


def titles(client: Client, query: str, *, status: int = 200) -> list[str]:
    response = client.get(f"/logbook/tiny/?{query}")
    assert response.status_code == status
    return re.findall(r'logbook-entry__title"><a[^>]*>(.*?)</a>', response.content.decode())


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["It starts", "The loss explodes", "Memory tests"]),
        ("words=exploding", ["The loss explodes"]),  # by its stem
        ("words=memory", ["The loss explodes", "Memory tests"]),
        ("words=memory+-test", ["The loss explodes"]),
        ("words=%22faulty+memory%22", ["The loss explodes"]),
        ("words=zebra", []),
        ("kind=spike&kind=launch", ["It starts", "The loss explodes"]),
        ("start=2", ["The loss explodes", "Memory tests"]),
        ("start=1&end=3", ["The loss explodes"]),
        ("x=tokens&start=3900&end=4000", ["Memory tests"]),
        ("x=time&end=2026-03-01T00:00:20Z", ["It starts", "The loss explodes"]),
        ("page=7", ["It starts", "The loss explodes", "Memory tests"]),
    ],
)
def test_entries_are_selected(client: Client, query: str, wanted: list[str]) -> None:
    assert titles(client, query) == wanted


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("start=soon", "From is a whole number."),
        ("end=-1", "To is a whole number, and not negative."),
        ("start=4&end=2", "To is not before From."),
        ("x=time&start=2026-03-01", "From needs its zone, such as +00:00 or Z."),
        ("x=height", "Over is one of the axes in the list."),
        ("kind=party", "Choose kinds from the list."),
        (f"words={'a' * 201}", "A search has at most 200 characters."),
    ],
)
def test_a_wrong_field_is_named_and_excludes_nothing(
    client: Client, query: str, message: str
) -> None:
    response = client.get(f"/logbook/tiny/?{query}")
    page = html.unescape(response.content.decode())

    assert response.status_code == 422
    assert re.findall(r'class="field__error">(.*?)</p>', page) == [message]
    assert page.count('<li class="logbook-entry"') == 3
    refused = client.get(f"/logbook/tiny/curves.json?{query}")
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == message


@pytest.mark.usefixtures("run")
def test_hits_are_marked_and_the_text_is_never_markup(client: Client) -> None:
    page = client.get("/logbook/tiny/?words=faulty").content.decode()

    assert page.count("host &amp; its <mark>faulty</mark>  memory  module were replaced") == 1
    assert page.count("its faulty &lt;b&gt;memory&lt;/b&gt; module") == 1
    assert page.count("<b>memory") == 0


def test_an_entry_has_a_permalink_and_a_citation(client: Client, run: Run) -> None:
    EntryFactory.create(
        run=run, slug="cost", title="50 % & more {x}", authors=["Ng, A.", "Team and friends"],
        source="A note", source_url="https://example.org/note",
        step=None, at=moment(9), is_day=True,
    )  # fmt: skip
    page = client.get("/logbook/tiny/cost/").content.decode()

    assert re.findall(r"<h1>(.*?)</h1>", page) == ["50 % &amp; more {x}"]
    assert re.findall(
        r'<a href="(https://example[^"]*)" rel="noopener noreferrer">(.*?)</a>', page
    ) == [("https://example.org/note", "A note")]
    citation = re.findall(r'<pre tabindex="0" id="bibtex"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert html.unescape(citation[0]) == (
        "@misc{tiny-cost,\n"
        "  author = {{Ng, A.} and {Team and friends}},\n"
        "  title = {{Tiny}: 50 \\% \\& more \\textbraceleft{}x\\textbraceright{}},\n"
        "  year = {2026},\n"
        "  date = {2026-03-01},\n"
        "  url = {http://testserver/logbook/tiny/cost/},\n"
        "  note = {Version abababababab of the logbook (SHA-256). Source: A note},\n"
        "}\n"
    )
    assert client.get("/logbook/tiny/nothing/").status_code == 404
    assert client.get("/logbook/nothing/").status_code == 404


@pytest.mark.usefixtures("run")
def test_a_range_has_a_permalink_and_a_citation(client: Client) -> None:
    page = html.unescape(client.get("/logbook/tiny/?start=1&end=3&kind=spike").content.decode())

    assert (
        page.count('<a href="?kind=spike&x=step&start=1&end=3">Permalink to steps 1 to 3</a>') == 1
    )
    assert page.count("title = {Logbook of {Tiny}, steps 1 to 3}") == 1
    assert (
        page.count("url = {http://testserver/logbook/tiny/?kind=spike&x=step&start=1&end=3}") == 1
    )
    assert page.count("3 values, as a table") == 1


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("query", "link"),
    [
        ("", '<a href="?x=step">Permalink</a>'),
        ("start=3", '<a href="?x=step&start=3">Permalink to step 3 and later</a>'),
        ("x=tokens&end=3000",
         '<a href="?x=tokens&end=3000">Permalink to token 3,000 and earlier</a>'),
        ("x=time&start=1772323210&end=2026-03-01T01:00:20%2B01:00",
         ('<a href="?x=time&start=2026-03-01T00%3A00%3A10Z&end=2026-03-01T00%3A00%3A20Z">'
          "Permalink to 1 March 2026, 00:00 to 1 March 2026, 00:00</a>")),
    ],
)  # fmt: skip
def test_a_permalink_names_the_range_that_it_leads_to(
    client: Client, query: str, link: str
) -> None:
    page = html.unescape(client.get(f"/logbook/tiny/?{query}").content.decode())

    assert page.count(link) == 1


def test_a_closed_logbook_asks_for_the_signature(client: Client, run: Run) -> None:
    Run.objects.update(audience=Audience.LICENCE)
    licence = run.release.licence
    EntryFactory.create(run=run, slug="secret", title="Secret")
    pages = ("/logbook/tiny/", "/logbook/tiny/secret/")
    files = [f"/logbook/tiny/{name}" for name in (
        "curves.json", "entries.json", "entries.csv", "metrics.csv", "feed.atom",
    )]  # fmt: skip

    def refusals() -> set[tuple[int, str]]:
        shown = [client.get(page) for page in pages]
        given = [client.get(file) for file in files]
        links = [
            re.findall(r'button--primary" href="([^"?]*)', one.content.decode()) for one in shown
        ]
        return {
            *((one.status_code, link) for one, (link,) in zip(shown, links, strict=True)),
            *((one.status_code, one.json()["error"]["next_step"]["url"]) for one in given),
        }

    assert refusals() == {(403, "/account/login/")}
    user = UserFactory.create()
    client.force_login(user)
    assert refusals() == {(403, f"/licence/{licence.slug}/sign/")}
    SignatureFactory.create(user=user, version=licence.versions.get())
    assert [client.get(path).status_code for path in (*pages, *files)] == [200] * 7
    LicenceVersionFactory.create(licence=licence, number=2, grace_days=0)
    assert refusals() == {(403, f"/licence/{licence.slug}/sign/")}
    assert client.get("/logbook/").content.decode().count("for holders of the signed licence") == 1


def test_a_page_takes_the_same_few_queries(
    client: Client, run: Run, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(60):
        EntryFactory.create(run=run, step=number % 5)
    make_series(run, "lr", [0.1] * 3000)

    with django_assert_num_queries(11):
        client.get("/logbook/tiny/")
    with django_assert_num_queries(11):
        client.get("/logbook/tiny/?words=happened&start=1&end=3&page=2")
    with django_assert_num_queries(1):
        client.get("/logbook/")
