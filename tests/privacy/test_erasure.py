"""After an erasure no column of any table knows the person, and the chain still holds."""

from __future__ import annotations

import pytest
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from psycopg import sql

from portal.access.domain.applications import (
    Answers,
    open_draft,
    save_draft,
    submit_application,
)
from portal.access.domain.reviews import return_application
from portal.access.enums import ApplicationState, Capability
from portal.access.models import Application
from portal.accounts.models import User
from portal.audit.domain.record import find_breaks
from portal.catalog.enums import Tier
from portal.catalog.models import HostedModel
from portal.core.errors import DomainError
from portal.jobs.models import GenerationJob
from portal.keys.domain.lifecycle import issue_key
from portal.keys.enums import KeyScope
from portal.keys.models import ApiKey
from portal.licensing.domain.signing import sign_licence
from portal.licensing.enums import Capacity
from portal.licensing.models import Signature
from portal.mailbox.backend import MailboxBackend
from portal.notices.domain.sending import send_due
from portal.privacy.domain.erasure import erase_person
from tests.access.conftest import TYPED
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory

pytestmark = pytest.mark.django_db
NAME = "Quendolina Zwaluwstaart"
EMAIL = "q.zwaluwstaart@lab.example.org"
TEXT_TYPES = ["text", "character varying", "character", "json", "jsonb", "ARRAY", "bytea", "inet"]


def places_that_know(*needles: str) -> set[str]:
    """Every `table.column` of the database with a value that contains one of the needles."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = ANY(%s)",
            [TEXT_TYPES],
        )
        for table, column in cursor.fetchall():
            query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {} WHERE {}::text ILIKE ANY(%s))")
            name = query.format(sql.Identifier(table), sql.Identifier(column))
            cursor.execute(name, [[f"%{needle}%" for needle in needles]])
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
    return found


@pytest.fixture
def person(client: Client) -> User:
    """Somebody who has left traces wherever a person can."""
    reviewer = UserFactory(is_reviewer=True)
    model = HostedModelFactory(tier=Tier.ONE_REVIEWER)
    person = UserFactory(email=EMAIL, name=NAME)
    client.force_login(person)
    client.get("/models/")
    SocialAccount.objects.create(user=person, provider="orcid", uid="1", extra_data={"n": NAME})
    version = model.release.licence.versions.get()
    sign_licence(person, version=version, legal_name=NAME, capacity=Capacity.ENTITY,
                 entity_name=f"{NAME} BV", has_authority=True, ip="192.0.2.7")  # fmt: skip
    draft = open_draft(person)
    save_draft(draft, by=person, values={**TYPED, "intended_use": f"{NAME} asks."})
    submit_application(draft, by=person, answers=make_answers(model))
    return_application(draft, by=reviewer, note=f"Dear {NAME}, say more.")
    GrantFactory(user=person, model=model, reason=f"{NAME} did it")
    GenerationJobFactory(user=person, model=model, succeeded=True, prompt=f"I am {NAME}.")
    issue_key(person, name=f"{NAME}'s laptop", scopes=[KeyScope.COMPLETIONS])
    LogEntry.objects.create(
        user=reviewer, content_type=ContentType.objects.get_for_model(User), object_id=person.pk,
        object_repr=EMAIL, action_flag=CHANGE,
    )  # fmt: skip
    send_due()
    MailboxBackend().send_messages([EmailMessage("Hello", f"Dear {NAME}", to=[EMAIL])])
    return person


def make_answers(model: HostedModel) -> Answers:
    values = {**TYPED, "intended_use": f"{NAME} asks.", "others_with_access": EMAIL}
    return Answers(**{**values, "models": (model,), "capabilities": (Capability.PLAYGROUND,)})


def test_no_column_of_any_table_knows_an_erased_person(person: User) -> None:
    assert len(places_that_know(NAME, EMAIL)) > 10
    erase_person(person, actor=None)
    assert places_that_know(NAME, EMAIL, "192.0.2.7", "0000-0002-1825-0097") == set()
    assert find_breaks() == []


def test_what_happened_stays_under_a_number(person: User) -> None:
    erase_person(person, actor=None)
    person.refresh_from_db()
    name = f"person-{person.pk}"
    assert (person.name, person.is_active, person.has_usable_password()) == (name, False, False)
    signature = Signature.objects.get(user=person)
    assert (signature.legal_name, signature.ip) == (name, None)
    assert signature.text == signature.version.text
    assert set(Application.objects.filter(applicant=person).values_list("state", flat=True)) == {
        ApplicationState.WITHDRAWN,
        ApplicationState.APPROVED,
    }
    assert GenerationJob.objects.get(user=person).erased_at is not None
    assert ApiKey.objects.get(user=person).revoked_at is not None
    assert UserSession.objects.filter(user=person).count() == 0


@pytest.mark.parametrize("role", ["is_reviewer", "is_auditor", "is_staff"])
def test_who_holds_a_role_is_not_erased(role: str) -> None:
    holder = UserFactory(**{role: True})
    with pytest.raises(DomainError) as refusal:
        erase_person(holder, actor=None)
    assert refusal.value.code == "holds_a_role"


@pytest.mark.parametrize(
    "change", ["legal_name = 'Somebody Else'", "sha256 = 'x'", "signed_at = now()"]
)
def test_a_signature_still_refuses_every_other_change(person: User, change: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE licensing_signature SET {change}")


def test_the_command_erases_only_when_it_is_confirmed(person: User) -> None:
    with pytest.raises(CommandError):
        call_command("erase_person", EMAIL)
    assert User.objects.filter(email=EMAIL).count() == 1
    call_command("erase_person", EMAIL, "--confirm", verbosity=0)
    assert User.objects.filter(email=EMAIL).count() == 0
