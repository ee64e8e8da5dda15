"""`manage.py issue_key`, as a script calls it."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.gate.access.capabilities import RESEARCH_SCOPES
from portal.gate.keys.domain.authentication import authenticate_key
from portal.gate.keys.domain.lifecycle import revoke_key
from portal.gate.keys.models import ApiKey
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def user() -> User:
    return UserFactory.create(email="ingrid@example.org")


def issue(*arguments: str) -> str:
    out = StringIO()
    call_command("issue_key", "Ingrid@example.org", "--name", "Cluster", *arguments, stdout=out)
    return out.getvalue()


def test_it_prints_the_key_alone(user: User) -> None:
    printed = issue()

    key = authenticate_key(printed.removesuffix("\n"), at=timezone.now())
    assert (key.user, key.name, key.scopes) == (user, "Cluster", list(RESEARCH_SCOPES))
    assert (key.expires_at, list(key.allowed_models.all())) == (None, [])


def test_the_log_says_that_no_person_of_the_site_made_it(user: User) -> None:
    issue()

    event = AuditEvent.objects.get(tag=AuditTag.KEY_ISSUED)
    assert (event.actor, event.data["user"]) == (None, user.pk)


@pytest.mark.usefixtures("user")
def test_it_can_be_narrowed() -> None:
    model = HostedModelFactory.create(slug="opt-125m")

    with time_machine.travel(NOW, tick=False):
        issue("--scope", "read", "--scope", "batches", "--model", "opt-125m", "--days", "7")

    key = ApiKey.objects.get()
    assert key.scopes == ["batches", "read"]
    assert list(key.allowed_models.all()) == [model]
    assert key.expires_at == NOW + timedelta(days=7)


def test_a_kept_key_is_printed_again_while_it_works(user: User, tmp_path: Path) -> None:
    file = tmp_path / "api_key"

    first, second = issue("--keep-in", str(file)), issue("--keep-in", str(file))
    revoke_key(ApiKey.objects.get(user=user))
    third = issue("--keep-in", str(file))

    assert first == second != third
    assert file.read_text() + "\n" == third
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_kept_key_of_somebody_else_is_not_printed(user: User, tmp_path: Path) -> None:
    file = tmp_path / "api_key"
    issue("--keep-in", str(file))
    UserFactory.create(email="jonas@example.org")
    out = StringIO()

    call_command(
        "issue_key", "jonas@example.org", "--name", "Mine", "--keep-in", str(file), stdout=out
    )

    key = authenticate_key(out.getvalue().strip(), at=timezone.now())
    assert key.user.email == "jonas@example.org"
    assert user.api_keys.count() == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody@example.org", "--name", "x"], "EMAIL: there is no account with"),
        (["ingrid@example.org", "--name", " "], "Give the key a name of 1 to 100 printable"),
        (["ingrid@example.org", "--name", "x", "--model", "gpt-5"], "--model: there is no gpt-5"),
        (["ingrid@example.org", "--name", "x", "--days", "0"], "The expiry must be in"),
    ],
)
@pytest.mark.usefixtures("user")
def test_a_refusal_is_one_line_and_no_key(arguments: list[str], said: str) -> None:
    out = StringIO()

    with pytest.raises(CommandError) as refused:
        call_command("issue_key", *arguments, stdout=out)

    assert str(refused.value)[: len(said)] == said
    assert (out.getvalue(), refused.value.returncode) == ("", 1)
    assert ApiKey.objects.count() == 0
