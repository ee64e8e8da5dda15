"""A person's page of the weights, and the console's."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.enums import Capability
from portal.gate.access.models import Grant
from portal.library.weights.domain.fetching import Part, begin_download, end_download
from portal.library.weights.models import Download, Revision
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.keys import ApiKeyFactory
from tests.factories.weights import make_holder, make_revision

pytestmark = pytest.mark.django_db


@pytest.fixture
def revision() -> Revision:
    return make_revision(None, {"config.json": b"{}", "a.dat": bytes(2000), "b.dat": bytes(1000)})


@pytest.fixture
def holder(revision: Revision) -> User:
    return make_holder(revision.repository.model, ends_at=timezone.now() + timedelta(days=9))


def fetch(user: User, revision: Revision, path: str, *, sent: int) -> Download:
    file = revision.files.get(path=path)
    download = begin_download(
        ApiKeyFactory.create(user=user, name="Cluster"), revision, file, Part(0, file.size),
        tool="hf_hub/2.4.0", at=timezone.now(),
    )  # fmt: skip
    end_download(download, sent=sent)
    return download


def words(page: bytes) -> str:
    """The page's text, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.decode())).split())


def test_a_holder_sees_the_commands_and_their_progress(
    client: Client, revision: Revision, holder: User
) -> None:
    client.force_login(holder)
    fetch(holder, revision, "a.dat", sent=2000)
    fetch(holder, revision, "b.dat", sent=250)

    overview = words(client.get("/weights/").content)
    source = client.get("/weights/tiny/").content.decode()
    page = words(source.encode())
    sums = client.get("/weights/tiny/v1/SHA256SUMS").content.decode()

    assert overview.count("You have 1 of 2 files: 2.25 kB of 3 kB.") == 1
    assert page.count("export HF_ENDPOINT=http://testserver/hub") == 1
    assert page.count("hf download family/tiny --revision v1") == 1
    assert page.count("hf cache verify family/tiny --revision v1") == 1
    url = f"http://testserver/hub/family/tiny/resolve/{revision.commit}"
    assert page.count(f"{url}/a.dat") == 1
    assert re.findall('href="([^"]*/resolve/[^"]*)"', source) == [f"{url}/config.json"]
    assert re.findall(r"(\S+\.\w+) [\d.]+ k?B?\w* (Whole|Open to all|25 %)", page) == [
        ("a.dat", "Whole"), ("b.dat", "25 %"), ("config.json", "Open to all"),
    ]  # fmt: skip
    assert page.count("gh_") == 0
    assert [line.split("  ")[1] for line in sums.splitlines()] == ["a.dat", "b.dat", "config.json"]


def test_others_see_what_they_must_do(client: Client, revision: Revision) -> None:
    client.force_login(UserFactory.create())

    overview = words(client.get("/weights/").content)
    page = words(client.get("/weights/tiny/").content)

    for text in (overview, page):
        assert text.count("The licence is not signed yet. Read and sign the licence") == 1
    assert page.count("hf download") == 0


def test_an_older_revision_has_its_own_page(
    client: Client, revision: Revision, holder: User
) -> None:
    make_revision(revision.repository.model, {"c.dat": b"c"}, folder="two")
    client.force_login(holder)

    newest = words(client.get("/weights/tiny/").content)
    older = words(client.get("/weights/tiny/v1/").content)

    assert newest.count("--revision v2") == older.count("--revision v1") == 3
    for path in ("none/", "tiny/v9/", "tiny/v9/SHA256SUMS", f"{HostedModelFactory.create().slug}/"):
        assert client.get(f"/weights/{path}").status_code == 404


def test_strangers_sign_in_first(client: Client, revision: Revision) -> None:
    for path in ("", "tiny/", "tiny/v1/", "tiny/v1/SHA256SUMS"):
        answer = client.get(f"/weights/{path}")
        assert answer["Location"] == f"/account/login/?next=/weights/{path}"


def test_pages_of_access_and_model_lead_here(
    client: Client, revision: Revision, holder: User
) -> None:
    client.force_login(holder)

    assert client.get("/access/").content.count(b'href="/weights/"') == 2
    assert client.get("/models/tiny/").content.count(b'href="/weights/tiny/"') == 1
    Grant.objects.update(capabilities=[Capability.API])
    assert client.get("/access/").content.count(b'href="/weights/"') == 1


def test_a_holder_of_weights_alone_makes_a_key_for_them(
    client: Client, revision: Revision, holder: User
) -> None:
    client.force_login(holder)

    page = client.get("/account/keys/new/")
    made = client.post("/account/keys/new/", {"name": "Cluster", "scopes": ["weights"]})

    assert page.context["form"].fields["scopes"].choices == [("weights", "Download of weights")]
    text = words(made.content)
    assert made.status_code == 201
    assert text.count("export HF_ENDPOINT=http://testserver/hub export HF_TOKEN=gh_") == 1
    assert text.count("OPENAI") == 0


@pytest.mark.parametrize("role", ["is_reviewer", "is_auditor", "is_operator"])
def test_the_console_says_who_holds_what(
    client: Client, revision: Revision, holder: User, role: str
) -> None:
    other = make_holder(revision.repository.model)
    fetch(holder, revision, "a.dat", sent=2000)
    fetch(holder, revision, "b.dat", sent=250)
    fetch(other, revision, "b.dat", sent=1000)
    Grant.objects.filter(user=holder).update(state="revoked")
    staff = {"is_staff": True, "is_superuser": True} if role == "is_operator" else {role: True}
    client.force_login(UserFactory.create(**staff))

    page = words(client.get("/console/weights/").content)
    found = words(client.get("/console/weights/", {"q": holder.email}).content)
    detail = words(client.get(f"/console/weights/{holder.pk}/{revision.pk}/").content)

    model = revision.repository.model.name
    assert page.count(f"{model} 2 3.25 kB 3.25 kB 3.25 kB") == 1
    assert page.count("2 holders, latest download first") == 1
    row = f"{holder.name} {holder.email} family/tiny v1 of {holder.name} 1 of 2 2.25 kB"
    assert page.count(row) == found.count(row) == 1
    assert found.count(other.email) == 0
    assert page.count("Revoked") == 1
    assert detail.count("1 of 2 files whole, 2.25 kB of 3 kB.") == 1
    assert detail.count("250 bytes of 1 kB Cluster hf_hub/2.4.0") == 1


def test_the_console_is_for_roles(client: Client, revision: Revision, holder: User) -> None:
    client.force_login(holder)

    assert client.get("/console/weights/").status_code == 403
    assert client.get(f"/console/weights/{holder.pk}/{revision.pk}/").status_code == 403


@pytest.mark.parametrize("count", [1, 3])
def test_the_console_costs_the_same_whatever_it_lists(
    client: Client,
    revision: Revision,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(count):
        user = make_holder(revision.repository.model)
        for path in ("a.dat", "b.dat"):
            fetch(user, revision, path, sent=10)
    client.force_login(UserFactory.create(is_reviewer=True))
    client.get("/console/weights/")

    with django_assert_num_queries(11):
        client.get("/console/weights/")


def test_a_grant_for_another_model_opens_nothing(client: Client, revision: Revision) -> None:
    user = make_holder(revision.repository.model, capabilities=[Capability.API])
    GrantFactory.create(user=user, capabilities=[Capability.WEIGHTS])
    client.force_login(user)

    assert client.get("/weights/").content.count(b'data-access-code="no_application"') == 1


@pytest.mark.parametrize("count", [1, 3])
def test_the_pages_cost_the_same_however_many_files_there_are(
    client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    files = {f"{n}.dat": bytes([n]) for n in range(10 * count)}
    revision = make_revision(None, files)
    user = make_holder(revision.repository.model)
    for path in list(files)[: 5 * count]:
        fetch(user, revision, path, sent=1)
    client.force_login(user)
    client.get("/weights/")

    with django_assert_num_queries(10):
        client.get("/weights/")
    with django_assert_num_queries(17):
        client.get("/weights/tiny/")
