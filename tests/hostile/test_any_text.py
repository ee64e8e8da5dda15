"""Any text in any address, query, header and form of the site gets an answer, not an error 500.

The pages and their permissions are from the walker; the forms are found on the pages.
"""

from __future__ import annotations

import io
import json
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from urllib.parse import quote

import pytest
import redis
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.lab.jobs.models import Call
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.jobs import make_researcher
from tests.hostile.pages import Page, Visitor, WebForm, field_names, find_forms, open_pages
from tests.walker import cast, people
from tests.walker.routes import Route, all_routes
from tests.walker.test_walk import ACTORS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

DIGITS = "9" * 4400
ARABIC = "\u0661\u0662"
LATEST, EARLIEST = "9999-12-31", "0001-01-01"
DEEP = '{"a":' * 960 + "1" + "}" * 960
LONG = "x" * 10_000
PATHS = ("%00", "a%2500b", "%ED%A0%80", quote(ARABIC), DIGITS, "9" * 19)
"""As quoted in an address: a NUL, a NUL quoted twice, half of a surrogate pair, ..."""
QUERIES = (DIGITS, LATEST, DEEP)
TEXTS = ("a\0b", DIGITS, EARLIEST, LONG)
BY_KIND: Mapping[str, tuple[str, ...]] = {
    "date": (LATEST, EARLIEST, "2027-02-30", "\u0662\u0660\u0662\u0667-01-01"),
    "number": (DIGITS, "9" * 19, "-1", ARABIC, "NaN", "1e400"),
    "hidden": ("a\0b", DIGITS, DEEP, "[]", '{"response": 1}', "9" * 19),
}
HEADERS = {
    "Accept": LONG,
    "Accept-Language": LONG,
    "Cookie": f'sessionid="aaaaaaaa\\000b"; theme={DIGITS}; csrftoken=x; messages="\\000"',
    "Country": "\xe9\xff",
    "Host": "testserver",
    "If-Modified-Since": "Fri, 31 Dec 9999 23:59:59 GMT",
    "If-None-Match": DIGITS,
    "Last-Event-ID": f"{DIGITS}-0",
    "Origin": "null",
    "Range": f"bytes={DIGITS}-",
    "Referer": "http://[::1",
    "User-Agent": "\xe9" * 5000,
    "X-Forwarded-For": f"{ARABIC!r}, {DIGITS}",
    "X-Requested-With": "\xff",
}


class Site:
    """The seeded site, a browser for each of its people, and what went wrong."""

    def __init__(self, valkey: redis.Redis) -> None:
        self.people = people.seed()
        self.arguments = cast.arguments(self.people)
        self.visitors = {name: Visitor(self.people[name], valkey) for name in ACTORS}
        self.faults: list[str] = []

    def pages(self) -> Iterator[tuple[Page, Route]]:
        """The pages that at least one person can open, without the API."""
        routes = {route.pattern: route for route in all_routes()}
        for page in open_pages():
            if page.actors and not page.pattern.startswith("v1/"):
                yield page, routes[page.pattern]

    def ask(
        self,
        actor: str,
        method: str,
        address: str,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """The page; exceptions are recorded."""
        told = f"{method} {address[:100]} by {actor}"
        try:
            status, text = self.visitors[actor].ask(method, address, data, headers)
        except Exception as error:  # noqa: BLE001 -- whatever the page raises is its fault
            self.faults.append(f"{told}: {type(error).__name__}")
            return ""
        # 503 says that something is not available now, such as a model that is offline.
        if status >= 500 and status != HTTPStatus.SERVICE_UNAVAILABLE:
            self.faults.append(f"{told}: {status}")
        return text


@pytest.fixture
def site(valkey: redis.Redis) -> Site:
    return Site(valkey)


@pytest.mark.slow
def test_nothing_that_people_send_breaks_a_page(site: Site) -> None:
    """In one test, because the site is seeded once; the list says what broke."""
    walk_addresses(site)
    walk_queries_and_posts(site)
    walk_forms(site)
    walk_headers(site)
    assert site.faults == []


def walk_addresses(site: Site) -> None:
    """Each argument of each address; the first text by each person who can open the page."""
    for page, route in site.pages():
        texts = PATHS[:2] if page.pattern.startswith("admin/") else PATHS
        for name in route.arguments:
            for place, text in enumerate(texts):
                known = {**site.arguments, name: text, f"{route.name}.{name}": text}
                for actor in page.actors if place == 0 else page.actors[-1:]:
                    site.ask(actor, page.method, route.address(known))


def walk_queries_and_posts(site: Site) -> None:
    """Every name that any page reads, with every text in turn."""
    names = field_names()
    for page, route in site.pages():
        address = route.address(site.arguments)
        rounds = 1 if page.pattern.startswith("admin/") else None
        if page.method == "GET":
            for query in list(spread(names, QUERIES))[:rounds]:
                site.ask(page.actors[-1], "GET", address, query)
        for data in list(spread(names, TEXTS))[:rounds]:
            site.ask(page.actors[-1], "POST", address, data)


def walk_forms(site: Site) -> None:
    """Each form as its person would fill it in, except one field."""
    seen: set[tuple[str, ...]] = set()
    for page, route in site.pages():
        if page.method != "GET" or page.pattern.startswith("admin/"):
            continue
        address = route.address(site.arguments)
        for actor in page.actors:
            for form in find_forms(address, site.ask(actor, "GET", address)):
                key = (form.action, *sorted(form.kinds))
                if key not in seen and form.action.startswith("/"):
                    seen.add(key)
                    walk_fields(site, actor, form)


def walk_fields(site: Site, actor: str, form: WebForm) -> None:
    site.ask(actor, form.method, form.action, form.values)
    for name, kind in form.kinds.items():
        for text in BY_KIND.get(kind, ("a\0b", DEEP)):
            site.ask(actor, form.method, form.action, {**form.values, name: text})


def walk_headers(site: Site) -> None:
    for address in ("/", "/playground/", "/access/", "/console/", "/healthz", "/metrics"):
        for name, text in HEADERS.items():
            site.ask("operator", "GET", address, headers={name: text})


def spread(names: Iterable[str], texts: tuple[str, ...]) -> Iterator[dict[str, str]]:
    for shift in range(len(texts)):
        yield {name: texts[(shift + place) % len(texts)] for place, name in enumerate(names)}


def test_an_address_with_a_nul_is_no_page_and_a_query_with_one_no_question(client: Client) -> None:
    client.force_login(UserFactory.create(is_reviewer=True))
    addresses = ["/models/%00/", "/access/applications/%00/", "/console/applications/%00/"]
    assert [client.get(address).status_code for address in addresses] == [404, 404, 404]
    assert client.get("/console/queue/?q=%00").status_code == 400
    answer = client.get("/models/%00/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "http_404")


def test_a_day_at_the_end_of_time_is_no_filter(client: Client) -> None:
    client.force_login(UserFactory.create(is_auditor=True))
    answer = client.get("/console/audit/?until=9999-12-31")
    assert answer.status_code == 200
    assert answer.context["form"].errors == {"until": ["Choose a day between 1900 and 2999."]}
    answer = client.get("/console/audit/?until=2999-12-31")
    assert (answer.status_code, answer.context["form"].errors) == (200, {})


def test_a_session_cookie_with_a_nul_is_no_session(client: Client) -> None:
    answer = client.get("/account/", headers={"Cookie": 'sessionid="aaaaaaaa\\000b"'})
    assert (answer.status_code, answer["Location"]) == (302, "/account/login/?next=/account/")


def test_a_model_with_a_nul_has_no_tokens(client: Client) -> None:
    client.force_login(UserFactory.create())
    answer = client.post("/playground/tokens/", {"model": "a\0b", "prompt": "Hello"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    "credential",
    [
        DEEP,
        DIGITS,
        "[]",
        "1",
        '{"id": 1}',
        json.dumps(
            {
                "id": "AA",
                "rawId": "AA",
                "type": "public-key",
                "response": {
                    "clientDataJSON": urlsafe_b64encode(DEEP.encode()).decode(),
                    "authenticatorData": "AA",
                    "signature": "AA",
                    "userHandle": "AA",
                },
            }
        ),
    ],
    ids=["deep", "digits", "list", "number", "no-texts", "deep-inside"],
)
def test_what_is_no_passkey_signs_nobody_in(client: Client, credential: str) -> None:
    client.get("/account/2fa/webauthn/login/")
    answer = client.post("/account/2fa/webauthn/login/", {"credential": credential})
    assert (answer.status_code, "_auth_user_id" in client.session) == (302, False)


@pytest.fixture
def person() -> User:
    return make_researcher()[0]


@pytest.mark.parametrize("levels", [940, 3000])
def test_everything_of_oneself_comes_with_what_an_older_release_kept(
    client: Client, person: User, levels: int
) -> None:
    """JSON that is nested too deep for Python is returned as text."""
    call = Call.objects.create(
        user=person, endpoint="/v1/completions", fingerprint="0" * 64, created_at=timezone.now()
    )
    deep = '{"a": ' * levels + "1" + "}" * levels
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_call SET request = %s::jsonb WHERE id = %s", [deep, call.pk])
    client.force_login(person)
    packed = client.post("/account/everything/").content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        calls = archive.read("calls.json").decode()
    assert calls.count(f'"request": {deep}') == 1
