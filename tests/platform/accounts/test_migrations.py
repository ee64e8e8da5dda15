"""Addresses that were kept as typed."""

from __future__ import annotations

from importlib import import_module

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps

from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
spell_in_ascii = import_module(
    "portal.platform.accounts.migrations.0003_addresses_in_ascii"
).spell_in_ascii


def emails() -> list[str]:
    return sorted(User.objects.values_list("email", flat=True))


def test_older_addresses_get_the_spelling_that_is_looked_for() -> None:
    UserFactory.create(email="ada@ex\u0430mple.com")
    UserFactory.create(email="bob@uni.edu")
    spell_in_ascii(apps, None)
    assert emails() == ["ada@xn--exmple-4nf.com", "bob@uni.edu"]
    assert set(EmailAddress.objects.values_list("email", flat=True)) == set(emails())


def test_nobody_gets_the_address_of_another() -> None:
    UserFactory.create(email="ada@ex\u0430mple.com")
    UserFactory.create(email="ada@xn--exmple-4nf.com")
    spell_in_ascii(apps, None)
    assert emails() == ["ada@ex\u0430mple.com", "ada@xn--exmple-4nf.com"]
