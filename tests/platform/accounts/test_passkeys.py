"""Passkeys, from the pages' options to the server's checks."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from portal.platform.accounts.models import User
from tests.platform.accounts.soft_passkey import SoftPasskey, add_passkey
from tests.platform.accounts.walking import confirm_password, sign_in

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def sign_in_by_passkey(client: Client, passkey: SoftPasskey) -> str:
    options = client.get("/account/2fa/webauthn/login/", headers=JSON).json()["request_options"]
    answer = client.post(
        "/account/2fa/webauthn/login/", {"credential": passkey.get(options["publicKey"])}
    )
    return answer.headers["Location"]


def test_the_page_brings_its_options_as_data(signed_in: Client, person: User) -> None:
    confirm_password(signed_in)

    page = signed_in.get("/account/2fa/webauthn/add/")

    options = page.context["js_data"]["creation_options"]["publicKey"]
    assert options["rp"] == {"id": "testserver", "name": "Gatehouse"}
    assert options["user"]["name"] == person.email
    assert '<script id="passkey-options" type="application/json">' in page.content.decode()


def test_a_passkey_signs_in_alone(signed_in: Client, person: User) -> None:
    passkey = SoftPasskey()
    added = add_passkey(signed_in, passkey)
    assert added.headers["Location"] == "/account/2fa/recovery-codes/"

    client = Client()
    assert sign_in_by_passkey(client, passkey) == "/access/"
    assert client.session["_auth_user_id"] == str(person.pk)


def test_a_passkey_serves_as_second_factor(signed_in: Client, person: User) -> None:
    passkey = SoftPasskey()
    add_passkey(signed_in, passkey)
    client = Client()
    sign_in(client, person.email)

    question = client.get("/account/2fa/authenticate/")
    options = question.context["js_data"]["request_options"]["publicKey"]
    answer = client.post("/account/2fa/authenticate/", {"credential": passkey.get(options)})

    assert answer.headers["Location"] == "/access/"
    assert client.session["_auth_user_id"] == str(person.pk)


def test_another_key_is_refused(signed_in: Client) -> None:
    ours, other = SoftPasskey(), SoftPasskey()
    add_passkey(signed_in, ours)
    other.id, other.user_handle = ours.id, ours.user_handle

    client = Client()
    assert sign_in_by_passkey(client, other) == "/account/login/"
    assert "_auth_user_id" not in client.session


def test_an_answer_to_another_question_is_refused(signed_in: Client) -> None:
    passkey = SoftPasskey()
    add_passkey(signed_in, passkey)
    client = Client()
    options = client.get("/account/2fa/webauthn/login/", headers=JSON).json()["request_options"]
    old = passkey.get(options["publicKey"])
    client.get("/account/2fa/webauthn/login/", headers=JSON)

    answer = client.post("/account/2fa/webauthn/login/", {"credential": old})

    assert answer.headers["Location"] == "/account/login/"
    assert "_auth_user_id" not in client.session


def test_a_key_that_cannot_know_its_user_does_not_sign_in_alone(signed_in: Client) -> None:
    answer = add_passkey(signed_in, SoftPasskey(verifies_user=False))

    assert answer.status_code == 200
    assert Authenticator.objects.count() == 0


@pytest.mark.parametrize("credential", ["", "{}", "[]", "not json"])
def test_nonsense_is_refused(signed_in: Client, credential: str) -> None:
    confirm_password(signed_in)
    signed_in.get("/account/2fa/webauthn/add/")

    answer = signed_in.post("/account/2fa/webauthn/add/", {"name": "x", "credential": credential})

    assert answer.status_code == 200
    assert Authenticator.objects.count() == 0


def test_passkeys_are_listed_renamed_and_removed(signed_in: Client) -> None:
    add_passkey(signed_in, SoftPasskey())
    key = Authenticator.objects.get(type=Authenticator.Type.WEBAUTHN)

    signed_in.post(f"/account/2fa/webauthn/keys/{key.pk}/edit/", {"name": "Old laptop"})
    page = signed_in.get("/account/2fa/webauthn/")
    assert [str(listed) for listed in page.context["authenticators"]] == ["Old laptop"]

    signed_in.post(f"/account/2fa/webauthn/keys/{key.pk}/remove/")
    assert Authenticator.objects.count() == 0


def test_the_passkey_of_another_is_not_found(signed_in: Client, person: User) -> None:
    from tests.factories.accounts import UserFactory

    add_passkey(signed_in, SoftPasskey())
    key = Authenticator.objects.get(type=Authenticator.Type.WEBAUTHN)
    stranger = Client()
    stranger.force_login(UserFactory.create())
    confirm_password(stranger)

    assert stranger.get(f"/account/2fa/webauthn/keys/{key.pk}/remove/").status_code == 404
