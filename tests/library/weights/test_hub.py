"""The Hub's addresses: answers, headers and every refusal."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from portal.gate.keys.domain.text import make_text
from portal.library.weights.domain.fetching import GIGABYTE
from portal.library.weights.models import Download, Revision
from portal.library.weights.views import hub
from portal.platform.accounts.models import User
from tests.factories.catalog import HostedModelFactory
from tests.factories.weights import CONFIG, WEIGHTS, make_holder, make_revision
from tests.lab.playground.sse import in_thread
from tests.library.weights.client import HubClient, make_key, read_body
from tests.library.weights.refused import REFUSED

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "/hub/family/tiny/resolve/main/model.safetensors"
CARD = "/hub/family/tiny/resolve/main/config.json"
MODEL = "/hub/api/models/family/tiny"


@pytest.fixture
def revision(transactional_db: None) -> Revision:
    return make_revision()


@pytest.fixture
def holder(revision: Revision) -> User:
    return make_holder(revision.repository.model)


@pytest.fixture
def client_(holder: User) -> HubClient:
    return HubClient(make_key(holder))


async def test_a_repository_and_its_files(revision: Revision, client_: HubClient) -> None:
    plain = (await client_.get(MODEL)).json()
    with_blobs = (await client_.get(f"{MODEL}/revision/v1?blobs=true")).json()
    response = await client_.get(f"{MODEL}/revision/{revision.commit}")

    assert (plain["id"], plain["sha"], plain["gated"]) == ("family/tiny", revision.commit, "manual")
    assert plain["siblings"] == [{"rfilename": "config.json"}, {"rfilename": "model.safetensors"}]
    assert [blob["size"] for blob in with_blobs["siblings"]] == [len(CONFIG), len(WEIGHTS)]
    assert response["X-Repo-Commit"] == revision.commit
    assert response.json() == plain


async def test_trees_of_folders(transactional_db: None) -> None:
    files = {"a.txt": b"a", "sub/b.txt": b"bb", "sub/deep/c.txt": b"ccc"}
    await in_thread(lambda: make_revision(None, files, opened=("*",)))
    client = HubClient()

    async def tree(rest: str = "") -> list[tuple[str, str, int]]:
        entries = (await client.get(f"{MODEL}/tree/main{rest}")).json()
        return [(entry["type"], entry["path"], entry["size"]) for entry in entries]

    sub, deep = ("directory", "sub", 0), ("directory", "sub/deep", 0)
    a, b, c = ("file", "a.txt", 1), ("file", "sub/b.txt", 2), ("file", "sub/deep/c.txt", 3)
    assert await tree() == [a, sub]
    assert await tree("?recursive=True") == [a, sub, b, deep, c]
    assert await tree("/sub") == [b, deep]
    assert await tree("/sub?recursive=true") == [b, deep, c]
    missing = await client.get(f"{MODEL}/tree/main/additional_chat_templates")
    assert (missing.status_code, missing["X-Error-Code"]) == (404, "EntryNotFound")


async def test_paths_refs_commits_and_the_person(
    revision: Revision, client_: HubClient, holder: User
) -> None:
    body = {"paths": ["config.json", "nothing"], "expand": "true"}
    (path,) = (await client_.post(f"{MODEL}/paths-info/main", body)).json()
    refs = (await client_.get(f"{MODEL}/refs")).json()
    commits = await client_.get(f"{MODEL}/commits/main")
    person = (await client_.get("/hub/api/whoami-v2")).json()
    check = await client_.get(f"{MODEL}/auth-check")

    assert (path["path"], path["size"]) == ("config.json", len(CONFIG))
    assert path["lastCommit"]["id"] == revision.commit
    assert refs["branches"][0]["targetCommit"] == revision.commit
    assert [tag["name"] for tag in refs["tags"]] == ["v1"]
    assert (commits["X-Total-Count"], commits.json()[0]["id"]) == ("1", revision.commit)
    assert (person["name"], person["orgs"]) == (holder.email, [])
    assert check.content == b"OK"


async def test_head_says_what_get_will_send(revision: Revision, client_: HubClient) -> None:
    file = await in_thread(lambda: revision.files.get(path="model.safetensors"))
    head, whole = await client_.head(FILE), await client_.get(FILE)

    for response in (head, whole):
        assert response.status_code == 200
        assert response["Content-Length"] == str(len(WEIGHTS))
        assert response["ETag"] == f'"{file.blob}"'
        assert response["X-Repo-Commit"] == revision.commit
        assert response["Accept-Ranges"] == "bytes"
        assert "X-Xet-Hash" not in response
        assert "Content-Encoding" not in response
    assert (await read_body(head), await read_body(whole)) == (b"", WEIGHTS)


@pytest.mark.parametrize(
    ("headers", "status", "content_range", "body"),
    [
        ({"Range": "bytes=0-9"}, 206, "bytes 0-9/4080", WEIGHTS[:10]),
        ({"Range": "bytes=4000-"}, 206, "bytes 4000-4079/4080", WEIGHTS[4000:]),
        ({"Range": "bytes=-7"}, 206, "bytes 4073-4079/4080", WEIGHTS[-7:]),
        ({"Range": "bytes=4079-9999"}, 206, "bytes 4079-4079/4080", WEIGHTS[-1:]),
        ({"Range": "bytes=0-1", "If-Range": '"other"'}, 200, None, WEIGHTS),
    ],
)
async def test_ranges(
    client_: HubClient, headers: dict[str, str], status: int, content_range: str | None, body: bytes
) -> None:
    response = await client_.get(FILE, headers=headers)

    assert (response.status_code, response.get("Content-Range")) == (status, content_range)
    assert await read_body(response) == body
    assert response["Content-Length"] == str(len(body))


async def test_a_range_behind_the_end(client_: HubClient) -> None:
    response = await client_.get(FILE, headers={"Range": "bytes=4080-"})

    assert (response.status_code, response["Content-Range"]) == (416, "bytes */4080")
    assert response.json()["code"] == "range_not_satisfiable"


async def test_open_files_need_no_key_and_leave_no_record(revision: Revision) -> None:
    response = await HubClient().get(CARD)

    assert (response.status_code, await read_body(response)) == (200, CONFIG)
    assert (await HubClient().get(f"{MODEL}/tree/main")).status_code == 200
    assert await Download.objects.acount() == 0


async def test_without_open_files_the_list_needs_the_grant_too(transactional_db: None) -> None:
    await in_thread(lambda: make_revision(opened=()))

    for path in (MODEL, f"{MODEL}/tree/main", f"{MODEL}/refs", f"{FILE}x", CARD):
        response = await HubClient().get(path)
        assert (response.status_code, response["X-Error-Code"]) == (401, "GatedRepo"), path


@pytest.mark.parametrize("code", REFUSED)
async def test_every_refusal_names_its_code_and_the_next_step(
    code: str, revision: Revision, holder: User, client_: HubClient, settings: Settings
) -> None:
    settings.REQUIRE_STAFF_MFA = True
    await in_thread(lambda: REFUSED[code](holder, revision.repository.model))

    status = 401 if code in {"key_revoked", "key_expired"} else 403
    for response in (await client_.head(FILE), await client_.get(FILE)):
        assert (response.status_code, response["X-Error-Code"]) == (status, "GatedRepo")
        assert response["X-Error-Message"].startswith(f"[{code}] ")
        assert response["X-Error-Message"].count("http://testserver/") == 1
        assert response["X-HF-Warning"] == f"access; {response['X-Error-Message']}"
    assert response.json()["code"] == code
    assert await Download.objects.acount() == 0


@pytest.mark.parametrize(
    "key", ["", "gh_wrong", make_text().whole], ids=["none", "of no form", "of nobody"]
)
async def test_without_a_good_key(revision: Revision, key: str) -> None:
    response = await HubClient(key).get(FILE)

    assert (response.status_code, response["X-Error-Code"]) == (401, "GatedRepo")
    assert response["X-Error-Message"].startswith("[invalid_api_key] ")
    assert response["X-Error-Message"].endswith(" See http://testserver/account/keys/")
    assert (await HubClient(key).get("/hub/api/whoami-v2")).status_code == 401


async def test_a_wrong_key_is_told_even_for_an_open_file(revision: Revision) -> None:
    assert (await HubClient("gh_wrong").get(CARD)).status_code == 401


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/hub/api/models/family/none", "RepoNotFound"),
        ("/hub/api/models/other/tiny", "RepoNotFound"),
        ("/hub/api/datasets/family/tiny", "RepoNotFound"),
        ("/hub/", "RepoNotFound"),
        (f"{MODEL}/revision/v2", "RevisionNotFound"),
        (f"{MODEL}/revision/{'0' * 40}", "RevisionNotFound"),
        (f"{MODEL}/tree/main/none", "EntryNotFound"),
        ("/hub/family/tiny/resolve/main/none", "EntryNotFound"),
        ("/hub/family/tiny/resolve/main/../../secret", "EntryNotFound"),
        ("/hub/family/tiny/resolve/main/..%2f..%2fsecret", "EntryNotFound"),
        ("/hub/family/tiny/resolve/main/%2e%2e/%2e%2e/secret", "EntryNotFound"),
        ("/hub/family/tiny/resolve/main//etc/passwd", "EntryNotFound"),
        ("/hub/family/tiny/resolve/main/a%00b", "EntryNotFound"),
        ("/hub/family/tiny/resolve/main/CONFIG.JSON", "EntryNotFound"),
    ],
)
async def test_what_does_not_exist(
    client_: HubClient, weights_dir: Path, path: str, code: str
) -> None:
    (weights_dir / "secret").write_text("secret")

    response = await client_.get(path)

    assert (response.status_code, response["X-Error-Code"]) == (404, code)


async def test_another_repositorys_commit_is_unknown(client_: HubClient) -> None:
    other = await in_thread(
        lambda: make_revision(HostedModelFactory.create(), {"x.txt": b"x"}, folder="other")
    )

    response = await client_.get(f"/hub/family/tiny/resolve/{other.commit}/x.txt")

    assert (response.status_code, response["X-Error-Code"]) == (404, "RevisionNotFound")


async def test_clients_remember_that_a_file_does_not_exist(
    revision: Revision, client_: HubClient
) -> None:
    response = await client_.head("/hub/family/tiny/resolve/main/generation_config.json")

    assert (response.status_code, response["X-Repo-Commit"]) == (404, revision.commit)


async def test_a_spent_quota_is_429_for_get_alone(
    client_: HubClient, settings: Settings, holder: User
) -> None:
    settings.WEIGHTS_GB_PER_DAY = 1
    await read_body(await client_.get(FILE))
    await Download.objects.aupdate(length=GIGABYTE, sent=GIGABYTE)

    response, head = await client_.get(FILE), await client_.head(FILE)

    assert (response.status_code, head.status_code) == (429, 200)
    assert response["X-Error-Message"].startswith(
        "[download_quota_exceeded] You have downloaded 1.0 GB within 24 hours; the limit is 1 GB."
    )
    past = timezone.now() - timedelta(hours=24, seconds=1)
    await Download.objects.aupdate(started_at=past, seen_at=past, ended_at=past)
    assert (await client_.get(FILE)).status_code == 200


async def test_streams_under_way_are_limited_and_dead_ones_forgotten(
    client_: HubClient, settings: Settings
) -> None:
    settings.WEIGHTS_STREAMS = 2
    open_streams = [await client_.get(FILE) for _ in range(2)]

    refused = await client_.get(FILE)
    await read_body(open_streams[0])
    third = await client_.get(FILE)
    again = await client_.get(FILE)
    await Download.objects.filter(ended_at=None).aupdate(
        seen_at=timezone.now() - timedelta(minutes=11)
    )
    after = await client_.get(FILE)

    assert (refused.status_code, refused["Retry-After"]) == (429, "5")
    assert refused.json()["code"] == "too_many_downloads"
    assert [third.status_code, again.status_code, after.status_code] == [200, 429, 200]
    for response in (open_streams[1], third, after):
        await read_body(response)


async def test_two_requests_at_once_keep_to_the_limit(
    client_: HubClient, settings: Settings
) -> None:
    settings.WEIGHTS_STREAMS = 1

    responses = await asyncio.gather(*(client_.get(FILE) for _ in range(4)))

    assert sorted(response.status_code for response in responses) == [200, 429, 429, 429]
    await asyncio.gather(*(read_body(response) for response in responses))


async def test_a_file_that_changed_is_not_sent(client_: HubClient, weights_dir: Path) -> None:
    (weights_dir / "one" / "model.safetensors").write_bytes(WEIGHTS[:-1])

    response = await client_.get(FILE)

    assert (response.status_code, response.json()["code"]) == (500, "file_unreadable")
    assert response["x-should-retry"] == "false"
    assert await Download.objects.acount() == 0


async def test_nginx_gets_the_place_and_the_headers(
    revision: Revision, client_: HubClient, settings: Settings
) -> None:
    settings.WEIGHTS_DELIVERY = "x-accel"

    response = await client_.get(FILE, headers={"Range": "bytes=10-19"})

    download = await Download.objects.aget()
    assert response["X-Accel-Redirect"] == "/weights-internal/one/model.safetensors"
    assert response["X-Repo-Commit"] == revision.commit
    assert response["ETag"].strip('"') == hashlib.sha1(b"blob 4080\0" + WEIGHTS).hexdigest()
    assert (download.first_byte, download.length, download.sent) == (10, 10, 10)
    assert (download.delivery, download.ended_at) == ("x-accel", download.started_at)


@pytest.mark.parametrize(
    ("view", "queries"),
    [
        # The key, its use, the revision, the file; then `decide` about address, licence, grants.
        (partial(hub.resolve, rev="main", path="model.safetensors"), 7),
        (partial(hub.resolve, rev="main", path="config.json"), 4),
        (partial(hub.list_tree, rev="main"), 5),
        (partial(hub.show_repository, rev="main"), 5),
    ],
)
def test_a_request_for_facts_costs_few_queries(
    revision: Revision,
    holder: User,
    view: Any,
    queries: int,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    async def at_once(work: Callable[[], object]) -> object:
        return work()

    monkeypatch.setattr(hub, "in_database", at_once)
    key = make_key(holder)
    request = RequestFactory().head("/", headers={"Authorization": f"Bearer {key}"})

    # Without an event loop, so that the queries are this thread's.
    with django_assert_num_queries(queries), pytest.raises(StopIteration) as answered:
        view(request, repo="family/tiny").send(None)
    assert answered.value.value.status_code == 200


async def test_only_reading_is_allowed(client_: HubClient) -> None:
    response: Any = await client_.post(FILE)

    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert response.json()["code"] == "method_not_allowed"
