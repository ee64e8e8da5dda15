"""Addresses that were kept as typed."""

from __future__ import annotations

from importlib import import_module

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from portal.accounts.models import User
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
spell_in_ascii = import_module("portal.accounts.migrations.0003_addresses_in_ascii").spell_in_ascii


def emails() -> list[str]:
    return sorted(User.objects.values_list("email", flat=True))


def test_older_addresses_get_the_spelling_that_is_looked_for() -> None:
    UserFactory(email="ada@ex\u0430mple.com")
    UserFactory(email="bob@uni.edu")
    spell_in_ascii(apps, None)
    assert emails() == ["ada@xn--exmple-4nf.com", "bob@uni.edu"]
    assert set(EmailAddress.objects.values_list("email", flat=True)) == set(emails())


def test_nobody_gets_the_address_of_another() -> None:
    UserFactory(email="ada@ex\u0430mple.com")
    UserFactory(email="ada@xn--exmple-4nf.com")
    spell_in_ascii(apps, None)
    assert emails() == ["ada@ex\u0430mple.com", "ada@xn--exmple-4nf.com"]


BEFORE, AFTER = ("accounts", "0003_addresses_in_ascii"), ("accounts", "0004_one_line_name")


@pytest.mark.django_db(transaction=True)
def test_older_names_lose_what_breaks_and_hides() -> None:
    person = UserFactory(name="Ada")
    MigrationExecutor(connection).migrate([BEFORE])
    User.objects.update(name="Ada\r\n\r\nLovelace\u202e see https://evil.example")
    MigrationExecutor(connection).migrate([AFTER])
    person.refresh_from_db()
    assert person.name == "Ada Lovelace see"
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.update(name="Ada\nLovelace")
    MigrationExecutor(connection).migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
