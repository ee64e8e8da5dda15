"""Signing in, wrong passwords, and choosing a new one."""

from __future__ import annotations

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from portal.platform.accounts.models import User
from tests.factories.accounts import PASSWORD
from tests.platform.accounts.walking import link_in, sign_in

pytestmark = pytest.mark.django_db


def test_sign_in_goes_on_to_access(client: Client, person: User) -> None:
    answer = sign_in(client, person.email)

    assert answer.headers["Location"] == "/access/"
    assert client.session["_auth_user_id"] == str(person.pk)


@pytest.mark.parametrize(
    ("roles", "page"),
    [
        ({"is_reviewer"}, "/console/"),
        ({"is_staff"}, "/console/operations/"),
        ({"is_auditor"}, "/console/audit/"),
        ({"is_reviewer", "is_staff", "is_auditor"}, "/console/"),
        ({"is_staff", "is_auditor"}, "/console/operations/"),
    ],
)
def test_staff_begin_where_they_work(
    client: Client, person: User, roles: set[str], page: str
) -> None:
    User.objects.filter(pk=person.pk).update(**dict.fromkeys(roles, True))

    answer = sign_in(client, person.email)

    assert answer.headers["Location"] == page
    assert client.get(page).status_code == 200


def test_sign_in_goes_on_to_where_one_wanted(client: Client, person: User) -> None:
    answer = client.post(
        "/account/login/",
        {"login": person.email, "password": PASSWORD, "next": "/account/sessions/"},
    )

    assert answer.headers["Location"] == "/account/sessions/"


def test_sign_in_does_not_lead_to_other_sites(client: Client, person: User) -> None:
    answer = client.post(
        "/account/login/",
        {"login": person.email, "password": PASSWORD, "next": "https://evil.example/"},
    )

    assert answer.headers["Location"] == "/access/"


def test_wrong_password_and_unknown_address_get_the_same_answer(
    client: Client, person: User
) -> None:
    wrong = sign_in(client, person.email, "not-the-password")
    unknown = sign_in(client, "nobody@example.org", "not-the-password")

    sentence = "This address and password do not match. Check both, or ask for a new password."
    assert wrong.context["form"].errors == {"__all__": [sentence]}
    assert unknown.context["form"].errors == wrong.context["form"].errors
    assert "_auth_user_id" not in client.session


def test_a_closed_account_cannot_sign_in(client: Client, person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)

    answer = sign_in(client, person.email)

    assert answer.headers["Location"] == "/account/inactive/"
    assert "_auth_user_id" not in client.session


def test_many_tries_from_one_place_get_a_page_that_explains(client: Client) -> None:
    for number in range(30):
        sign_in(client, f"guess{number}@example.org", "x")

    answer = sign_in(client, "guess30@example.org", "x")

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "300"
    assert "Too many tries in a short time" in answer.content.decode()


def test_many_tries_are_counted_by_the_address_that_the_proxy_saw(
    client: Client, settings: object
) -> None:
    """A client cannot get more tries by sending its own X-Forwarded-For."""
    settings.TRUSTED_PROXIES = 1  # type: ignore[attr-defined]
    for number in range(30):
        client.post(
            "/account/login/",
            {"login": f"guess{number}@example.org", "password": "x"},
            headers={"X-Forwarded-For": f"10.0.0.{number}, 198.51.100.7"},
        )

    answer = client.post(
        "/account/login/",
        {"login": "guess30@example.org", "password": "x"},
        headers={"X-Forwarded-For": "10.0.0.99, 198.51.100.7"},
    )

    assert answer.status_code == 429


def test_reset_by_mail(client: Client, person: User, mailoutbox: list[EmailMessage]) -> None:
    asked = client.post("/account/password/reset/", {"email": person.email})
    assert asked.headers["Location"] == "/account/password/reset/done/"

    link = link_in(mailoutbox[0], under="/account/password/reset/key/")
    form = client.get(link, follow=True)
    changed = client.post(
        form.request["PATH_INFO"],
        {"password1": "quite-another-secret", "password2": "quite-another-secret"},
    )

    assert changed.headers["Location"] == "/account/password/reset/key/done/"
    assert sign_in(client, person.email, "quite-another-secret").status_code == 302
    assert [mail.subject for mail in mailoutbox] == [
        "Choose a new password for Gatehouse",
        "Your password was changed",
    ]


def test_a_reset_link_works_once(
    client: Client, person: User, mailoutbox: list[EmailMessage]
) -> None:
    client.post("/account/password/reset/", {"email": person.email})
    link = link_in(mailoutbox[0], under="/account/password/reset/key/")
    form = client.get(link, follow=True)
    passwords = {"password1": "quite-another-secret", "password2": "quite-another-secret"}
    client.post(form.request["PATH_INFO"], passwords)

    again = Client().get(link, follow=True)

    assert "This link no longer works" in again.content.decode()


def test_reset_for_an_unknown_address_looks_the_same(
    client: Client, mailoutbox: list[EmailMessage]
) -> None:
    asked = client.post("/account/password/reset/", {"email": "nobody@example.org"})

    assert asked.headers["Location"] == "/account/password/reset/done/"
    assert [mail.subject for mail in mailoutbox] == ["No Gatehouse account has this address"]


def test_json_clients_are_told_to_sign_in(client: Client) -> None:
    answer = client.get("/account/", headers={"Accept": "application/json"})

    assert answer.status_code == 401
    assert answer.json() == {
        "error": {
            "code": "not_signed_in",
            "message": "Sign in to do this.",
            "next_step": {"label": "Sign in", "url": "/account/login/?next=/account/"},
        }
    }
