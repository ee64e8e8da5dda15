"""`hf auth login` by browser: a code in the terminal, an answer on the site, a key."""

from __future__ import annotations

import re
from asyncio.subprocess import Process
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.models import Grant
from portal.gate.keys.domain import device
from portal.gate.keys.domain.device import approve_login, begin_login, collect_key, deny_login
from portal.gate.keys.models import ApiKey, DeviceLogin
from portal.library.weights.models import Revision
from portal.library.weights.views import sign_in
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError, LostRace
from tests.factories.accounts import UserFactory
from tests.factories.weights import make_holder, make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.client import HubClient
from tests.library.weights.test_hub_clients import HF, Machine

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/account/keys/device/"
NOW = datetime.fromisoformat("2027-03-01T12:00:00+00:00")
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def revision(transactional_db: None) -> Revision:
    return make_revision()


@pytest.fixture
def holder(revision: Revision) -> User:
    return make_holder(revision.repository.model)


def answer(person: User, code: str, word: str) -> str:
    """The person opens the link from the terminal, then answers; what they read meanwhile."""
    client = Client()
    client.force_login(person)
    shown = client.get(PAGE, {"user_code": code}).content.decode()
    client.post(PAGE, {"user_code": code, "answer": word})
    return shown


async def read_code(process: Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if found := re.search(r"enter the code: (\S+)", line.decode()):
            return found[1]
    raise AssertionError("the program printed no code")


@pytest.mark.slow
@pytest.mark.usefixtures("valkey")
async def test_the_command_line_signs_in_and_downloads_without_a_typed_key(
    holder: User, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "INTERVAL", timedelta(seconds=1))
    monkeypatch.setattr(sign_in, "INTERVAL", timedelta(seconds=1))
    async with serve() as site:
        settings.SITE_URL = site
        machine = Machine(tmp_path / "home", site, "")
        login = await machine.start(HF["2.x"], "auth", "login")
        code = await read_code(login)
        shown = await in_thread(lambda: answer(holder, code, "allow"))
        out, _ = await login.communicate()
        person = await machine.run(HF["2.x"], "auth", "whoami")
        download = await machine.run(HF["2.x"], "download", "family/tiny", "--local-dir", tmp_path)

        other = Machine(tmp_path / "other", site, "")
        denied = await other.start(HF["2.x"], "auth", "login")
        code = await read_code(denied)
        await in_thread(lambda: answer(holder, code, "deny"))
        refused, _ = await denied.communicate()

    assert "Allow it only if you have just run" in shown
    assert (login.returncode, person.code, download.code) == (0, 0, 0), (out, download.text)
    assert holder.email in person.text
    assert denied.returncode != 0
    assert "denied" in refused.decode()
    keys = await in_thread(lambda: list(ApiKey.objects.values_list("user_id", "name", "scopes")))
    assert keys == [(holder.pk, "hf auth login from 127.0.0.1", ["weights"])]


async def ask(path: str, **form: str) -> tuple[int, dict[str, Any]]:
    response = await HubClient().post(f"/hub/oauth/{path}", form)
    return response.status_code, response.json()


@pytest.mark.usefixtures("valkey")
async def test_the_program_is_told_why_it_waits(holder: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        _, begun = await ask("device", client_id="x")
        form = {"grant_type": GRANT_TYPE, "device_code": begun["device_code"]}
        answers = [await ask("token", **form), await ask("token", **form)]
        clock.shift(5)
        answers.append(await ask("token", **form))
        login = await DeviceLogin.objects.aget()
        await in_thread(lambda: approve_login(login, by=holder, at=NOW))
        given = await ask("token", **form)
        answers += [
            await ask("token", **form),
            await ask("token", grant_type="refresh_token", refresh_token="x"),
            await ask("token", grant_type=GRANT_TYPE, device_code="made up"),
        ]

    assert [(status, each["error"]) for status, each in answers] == [
        (400, "authorization_pending"),
        (400, "slow_down"),
        (400, "authorization_pending"),
        (400, "invalid_grant"),
        (400, "unsupported_grant_type"),
        (400, "invalid_grant"),
    ]
    assert given[0] == 200
    assert {**given[1], "access_token": ""} == {
        "access_token": "",
        "token_type": "bearer",
        "expires_in": 30 * 24 * 3600,
        "scope": "weights",
    }
    assert begun["verification_uri_complete"] == (
        f"http://testserver{PAGE}?user_code={begun['user_code']}"
    )
    assert (begun["expires_in"], begun["interval"]) == (900, 5)


@pytest.mark.usefixtures("valkey")
async def test_a_code_lasts_a_quarter_of_an_hour(holder: User) -> None:
    begun = await in_thread(lambda: begin_login(address=None, at=NOW))
    late = NOW + timedelta(minutes=15)

    with pytest.raises(LostRace):
        await in_thread(lambda: approve_login(begun.login, by=holder, at=late))
    with pytest.raises(DomainError) as refused:
        await in_thread(lambda: collect_key(begun.device_code, at=late))

    assert refused.value.code == "expired_token"


def test_a_grant_that_ends_meanwhile_gives_no_key(holder: User) -> None:
    begun = begin_login(address=None, at=timezone.now())
    approve_login(begun.login, by=holder, at=timezone.now())
    Grant.objects.update(state="revoked")

    with pytest.raises(DomainError) as refused:
        collect_key(begun.device_code, at=timezone.now())

    assert (refused.value.code, ApiKey.objects.count()) == ("access_denied", 0)


def test_without_access_to_weights_nothing_can_be_allowed(
    revision: Revision, client: Client
) -> None:
    begun = begin_login(address="192.0.2.1", at=timezone.now())
    client.force_login(UserFactory.create())
    code = begun.login.user_code

    shown = client.get(PAGE, {"user_code": code}).content.decode()
    client.post(PAGE, {"user_code": code, "answer": "allow"})

    begun.login.refresh_from_db()
    assert ("You cannot allow this" in shown, 'value="allow"' in shown) == (True, False)
    assert begun.login.state == "pending"


def test_a_wrong_code_is_named_and_guessing_is_slowed(client: Client, valkey: object) -> None:
    client.force_login(UserFactory.create())

    answers = [client.get(PAGE, {"user_code": "BCDF-GHJK"}) for _ in range(21)]

    assert [each.status_code for each in answers] == [*[422] * 20, 429]
    assert "No program waits with this code" in answers[0].content.decode()


def test_of_an_approval_and_a_denial_at_once_one_counts(holder: User) -> None:
    for _ in range(10):
        login = begin_login(address=None, at=timezone.now()).login

        def run(act: Any, login: DeviceLogin = login) -> str:
            try:
                act(login, by=holder, at=timezone.now())
            except LostRace:
                return "lost"
            finally:
                connection.close()
            return "won"

        with ThreadPoolExecutor(2) as pool:
            results = sorted(pool.map(run, (approve_login, deny_login)))

        assert results == ["lost", "won"]


def test_a_code_is_given_for_one_key_only(holder: User) -> None:
    begun = begin_login(address=None, at=timezone.now())
    approve_login(begun.login, by=holder, at=timezone.now())

    def run(_: int) -> str:
        try:
            collect_key(begun.device_code, at=timezone.now())
        except DomainError as error:
            return str(error.code)
        finally:
            connection.close()
        return "given"

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(run, range(2)))

    assert (results, ApiKey.objects.count()) == (["given", "invalid_grant"], 1)
