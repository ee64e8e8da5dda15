"""The overview of a person's own account."""

from __future__ import annotations

import pytest
from django.test import Client

from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.platform.accounts.walking import switch_on_totp

pytestmark = pytest.mark.django_db


def test_it_is_for_people_who_are_signed_in(client: Client) -> None:
    assert client.get("/account/").headers["Location"] == "/account/login/?next=/account/"


def test_it_tells_the_state_of_the_account(signed_in: Client) -> None:
    switch_on_totp(signed_in)

    account = signed_in.get("/account/").context["account"]

    assert (account.email_verified, account.has_password) == (True, True)
    assert (account.has_app, account.passkeys, account.recovery_codes) == (True, 0, 10)
    assert (account.sessions, account.connections, account.roles) == (1, (), ())


def test_a_change_of_address_waits_for_its_link(signed_in: Client, person: User) -> None:
    signed_in.post("/account/reauthenticate/", {"password": "a-long-test-password"})
    signed_in.post("/account/email/", {"email": "new@example.org", "action_add": ""})

    account = signed_in.get("/account/").context["account"]

    person.refresh_from_db()
    assert (person.email != "new@example.org", account.pending_email) == (True, "new@example.org")


def test_a_name_is_changed(signed_in: Client, person: User) -> None:
    answer = signed_in.post("/account/", {"name": "Ada King"})

    person.refresh_from_db()
    assert (answer.headers["Location"], person.name) == ("/account/", "Ada King")


def test_an_empty_name_is_refused_and_the_old_one_stays(signed_in: Client, person: User) -> None:
    page = signed_in.post("/account/", {"name": "  "})

    before = person.name
    person.refresh_from_db()
    assert page.context["form"].errors == {"name": ["This field is required."]}
    assert (person.name, page.context["user"].name) == (before, before)


def test_nothing_else_can_be_changed_there(signed_in: Client, person: User) -> None:
    signed_in.post("/account/", {"name": "Eve", "is_staff": "on", "is_reviewer": "on"})

    person.refresh_from_db()
    assert (person.is_staff, person.is_reviewer) == (False, False)


def test_a_name_is_never_markup(client: Client) -> None:
    client.force_login(UserFactory.create(name="<script>alert(1)</script>"))

    page = client.get("/account/").content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_other_sessions_can_be_ended(person: User) -> None:
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        client.post("/account/login/", {"login": person.email, "password": "a-long-test-password"})
    assert here.get("/account/").context["account"].sessions == 2

    here.post("/account/sessions/")

    assert elsewhere.get("/account/").status_code == 302
    assert here.get("/account/").context["account"].sessions == 1
