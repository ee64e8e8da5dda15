"""Access to the Django admin, and people in it."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> User:
    operator = UserFactory.create(is_staff=True)
    client.force_login(operator)
    return operator


def test_strangers_sign_in_by_the_site_and_come_back(client: Client) -> None:
    door = client.get("/admin/", follow=True)

    assert door.redirect_chain == [
        ("/admin/login/?next=/admin/", 302),
        ("/account/login/?next=%2Fadmin%2F", 302),
    ]


def test_the_admin_takes_no_password_itself(client: Client) -> None:
    operator = UserFactory.create(is_staff=True)

    client.post("/admin/login/", {"username": operator.email, "password": "a-long-test-password"})

    assert "_auth_user_id" not in client.session


def test_people_without_the_role_get_403(client: Client) -> None:
    client.force_login(UserFactory.create(is_reviewer=True))

    assert client.get("/admin/").status_code == 403
    assert client.get("/admin/accounts/user/").status_code == 403


def test_a_role_is_given(client: Client, operator: User) -> None:
    person = UserFactory.create()

    answer = client.post(
        f"/admin/accounts/user/{person.pk}/change/",
        {"name": person.name, "is_active": "on", "is_reviewer": "on"},
    )

    assert answer.status_code == 302
    person.refresh_from_db()
    assert (person.is_reviewer, person.is_staff, person.is_active) == (True, False, True)


def test_no_password_is_shown_nor_can_be_typed(client: Client, operator: User) -> None:
    person = UserFactory.create()

    page = client.get(f"/admin/accounts/user/{person.pk}/change/").content.decode()

    assert person.password not in page
    assert 'name="password"' not in page


def test_nobody_is_made_or_deleted_there(client: Client, operator: User) -> None:
    person = UserFactory.create()

    assert client.get("/admin/accounts/user/add/").status_code == 403
    assert client.post(f"/admin/accounts/user/{person.pk}/delete/").status_code == 403


def test_roles_are_audited_with_who_gave_them(client: Client, operator: User) -> None:
    person = UserFactory.create()
    url = f"/admin/accounts/user/{person.pk}/change/"

    client.post(url, {"name": "Renamed", "is_active": "on", "is_reviewer": "on"})
    client.post(url, {"name": "Renamed again", "is_active": "on", "is_reviewer": "on"})

    (event,) = AuditEvent.objects.filter(tag=AuditTag.ROLES_CHANGED)
    assert (event.actor_id, event.subject) == (operator.pk, f"user:{person.pk}")
    assert event.data == {"is_reviewer": True}


def test_nobody_locks_themselves_out(client: Client, operator: User) -> None:
    client.post(f"/admin/accounts/user/{operator.pk}/change/", {"name": "Otto"})

    operator.refresh_from_db()
    assert (operator.name, operator.is_active, operator.is_staff) == ("Otto", True, True)


def test_a_lost_factor_is_removed_and_its_secret_never_shown(
    client: Client, operator: User
) -> None:
    factor = Authenticator.objects.create(
        user=UserFactory.create(), type=Authenticator.Type.TOTP, data={"secret": "JBSWY3DPEHPK3PXP"}
    )
    url = f"/admin/mfa/authenticator/{factor.pk}"

    assert "JBSWY3DPEHPK3PXP" not in client.get(f"{url}/change/").content.decode()
    client.post(f"{url}/delete/", {"post": "yes"})

    assert Authenticator.objects.count() == 0
    event = AuditEvent.objects.get()
    assert (event.tag, event.data) == (AuditTag.FACTOR_REMOVED, {"type": "totp"})


def test_only_what_operators_need_is_there(client: Client, operator: User) -> None:
    groups = client.get("/admin/").context["app_list"]

    models = {group["app_label"]: [m["object_name"] for m in group["models"]] for group in groups}
    assert (models["accounts"], models["mfa"]) == (["User"], ["Authenticator"])
    assert {"auth", "account", "socialaccount", "usersessions"} & set(models) == set()


def test_passwords_are_changed_where_everybody_does(client: Client, operator: User) -> None:
    answer = client.get("/admin/password_change/")

    assert answer.headers["Location"] == "/account/password/change/"
