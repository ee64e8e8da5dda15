"""Links for plain tools: made, used, ended; and what they cannot do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.models import Grant
from portal.library.weights.domain.erasure import erase_tools
from portal.library.weights.domain.links import LIFE, MOST, address_of, make_links
from portal.library.weights.models import Download, LinkList, Revision
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.accounts import UserFactory
from tests.factories.weights import CONFIG, WEIGHTS, make_holder, make_revision
from tests.lab.playground.sse import in_thread
from tests.library.weights.client import HubClient, read_body

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.fromisoformat("2027-03-01T12:00:00+00:00")
FILE = "files/model.safetensors"
WRONG = (
    "[link_ended] This link was cut off or changed, has expired, or was ended. Make new ones: "
    "http://testserver/weights/"
)


@pytest.fixture
def revision(transactional_db: None) -> Revision:
    return make_revision()


@pytest.fixture
def holder(revision: Revision) -> User:
    return make_holder(revision.repository.model)


@pytest.fixture
def base(holder: User, revision: Revision) -> str:
    links = make_links(holder, revision, at=timezone.now())
    return address_of(links).removeprefix("http://testserver")


async def test_a_link_gives_the_file_without_a_key(base: str, holder: User) -> None:
    whole = await HubClient().get(f"{base}/{FILE}")
    part = await HubClient().get(f"{base}/{FILE}", headers={"Range": "bytes=1000-"})
    head = await HubClient().head(f"{base}/{FILE}")
    card = await HubClient().get(f"{base}/files/config.json")

    assert [await read_body(each) for each in (whole, part)] == [WEIGHTS, WEIGHTS[1000:]]
    assert (whole.status_code, part.status_code, head.status_code) == (200, 206, 200)
    assert head.headers["Content-Length"] == str(len(WEIGHTS))
    assert await read_body(card) == CONFIG
    rows = Download.objects.order_by("pk").values_list("user_id", "first_byte", "sent")
    assert await in_thread(lambda: list(rows)) == [
        (holder.pk, 0, len(WEIGHTS)),
        (holder.pk, 1000, len(WEIGHTS) - 1000),
    ]


@pytest.mark.parametrize("name", [FILE, "urls.txt", "files/missing"])
async def test_no_cache_and_no_search_engine_keeps_what_a_link_gives(base: str, name: str) -> None:
    headers = (await HubClient().get(f"{base}/{name}")).headers

    assert headers["Cache-Control"] == "no-store, no-transform"
    assert headers["X-Robots-Tag"] == "noindex"


async def test_links_outlive_a_change_of_the_sites_key(base: str, settings: Settings) -> None:
    before = (await HubClient().get(f"{base}/urls.txt")).content
    settings.SECRET_KEY = "another key of the site, which signs otherwise"

    assert (await HubClient().get(f"{base}/urls.txt")).content == before


async def test_the_lists_name_every_file(base: str, revision: Revision) -> None:
    texts = [
        (await HubClient().get(f"{base}/{name}")).content.decode()
        for name in ("urls.txt", "aria2.txt", "SHA256SUMS")
    ]

    sums = await in_thread(lambda: dict(revision.files.values_list("path", "sha256")))
    urls = [f"http://testserver{base}/files/{path}" for path in sums]
    assert texts[0].splitlines() == urls
    assert texts[1] == "".join(
        f"{url}\n  out={path}\n  checksum=sha-256={sums[path]}\n"
        for url, path in zip(urls, sums, strict=True)
    )
    assert texts[2] == "".join(f"{sha256}  {path}\n" for path, sha256 in sums.items())


@pytest.mark.parametrize("name", [FILE, "urls.txt", "files/config.json"])
async def test_a_revoked_grant_ends_every_link(base: str, name: str) -> None:
    await in_thread(lambda: Grant.objects.update(state="revoked"))

    response = await HubClient().get(f"{base}/{name}")

    sentence = "[revoked] Your access was revoked. Read why: http://testserver/access/"
    assert (response.status_code, response.headers["X-Error-Message"]) == (403, sentence)
    assert response.content.decode() == f"{sentence}\n"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "change",
    [
        lambda base: base[:-1],
        lambda base: base + "A",
        lambda base: base[:-1] + ("A" if base[-1] != "A" else "B"),
        lambda _: "/hub/links/x",
    ],
    ids=["cut", "longer", "changed", "made up"],
)
async def test_a_wrong_link(base: str, change: Callable[[str], str]) -> None:
    response = await HubClient().get(f"{change(base)}/{FILE}")

    assert (response.status_code, response.headers["X-Error-Message"]) == (403, WRONG)


@pytest.mark.parametrize("path", ["model.safetensor", "../config.json", "%00", "/etc/passwd"])
async def test_what_is_not_in_the_revision(base: str, path: str) -> None:
    response = await HubClient().get(f"{base}/files/{path}")

    code = response.headers["X-Error-Message"].split()[0]
    assert (response.status_code, code) == (404, "[file_not_found]")


async def test_links_expire_after_a_week(holder: User, revision: Revision) -> None:
    links = await in_thread(lambda: make_links(holder, revision, at=NOW))
    address = address_of(links).removeprefix("http://testserver") + "/urls.txt"

    with time_machine.travel(NOW + timedelta(days=7, seconds=-1), tick=False):
        before = await HubClient().get(address)
    with time_machine.travel(NOW + timedelta(days=7), tick=False):
        after = await HubClient().get(address)

    assert (before.status_code, after.status_code) == (200, 403)
    assert after.headers["X-Error-Message"] == WRONG


def test_the_page_makes_and_ends_links(client: Client, holder: User, revision: Revision) -> None:
    client.force_login(holder)
    before = client.get("/weights/tiny/").content.decode()
    client.post("/weights/tiny/v1/links/make/")
    links = LinkList.objects.get()
    shown = client.get("/weights/tiny/").content.decode()
    address = address_of(links)
    ended = client.post(f"/weights/tiny/v1/links/{links.pk}/end/", follow=True).content.decode()

    assert [address in page for page in (before, shown, ended)] == [False, True, False]
    assert "Make links for a week" in ended
    links.refresh_from_db()
    assert (links.digest, links.ended_at is not None) == ("", True)
    assert address_of(links) == ""
    event = AuditEvent.objects.get(tag="weights.revision.linked")
    assert (event.subject, event.data) == (
        f"weights:{revision.commit}",
        {"links": str(links.pk), "revision": "family/tiny v1"},
    )


def test_nobody_ends_the_links_of_others(client: Client, holder: User, revision: Revision) -> None:
    links = make_links(holder, revision, at=timezone.now())
    client.force_login(UserFactory.create())

    client.post(f"/weights/tiny/v1/links/{links.pk}/end/")

    links.refresh_from_db()
    assert links.ended_at is None


def test_without_access_no_links_are_made(client: Client, revision: Revision) -> None:
    client.force_login(UserFactory.create())

    page = client.post("/weights/tiny/v1/links/make/", follow=True).content.decode()

    assert LinkList.objects.count() == 0
    assert "The licence is not signed yet." in page
    assert "Make links for a week" not in page


def test_a_person_has_at_most_twenty_lists(holder: User, revision: Revision) -> None:
    for _ in range(MOST):
        make_links(holder, revision, at=NOW)

    with pytest.raises(DomainError) as refused:
        make_links(holder, revision, at=NOW)
    make_links(holder, revision, at=NOW + LIFE)

    assert refused.value.code == "too_many_links"


def test_an_erased_persons_links_end(holder: User, revision: Revision) -> None:
    links = make_links(holder, revision, at=timezone.now())

    erase_tools(holder)

    links.refresh_from_db()
    assert (links.digest, links.ended_at is not None) == ("", True)
