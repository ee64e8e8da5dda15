"""Error pages: what happened, the way out, and no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path

from portal.config import urls
from portal.platform.core import views
from tests.factories.accounts import UserFactory

JSON = {"Accept": "application/json"}


def break_down(_request: HttpRequest) -> Any:
    raise RuntimeError("the secret reason")


def misuse(_request: HttpRequest) -> Any:
    from django.core.exceptions import SuspiciousOperation

    raise SuspiciousOperation("the secret reason")


urlpatterns = [*urls.urlpatterns, path("break/", break_down), path("misuse/", misuse)]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture
def broken_client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.django_db
def test_missing_page_offers_to_sign_in_and_come_back(client: Client) -> None:
    page = client.get("/no/such/page/?x=1")

    html = page.content.decode()
    assert page.status_code == 404
    assert "This page does not exist, or you may not see it" in html
    assert 'href="/account/login/?next=/no/such/page/%3Fx%3D1"' in html


@pytest.mark.django_db
def test_missing_page_offers_a_person_their_access(client: Client) -> None:
    client.force_login(UserFactory.create())

    assert 'href="/access/"' in client.get("/no/such/page/").content.decode()


@pytest.mark.django_db
def test_refused_page_names_the_account(client: Client) -> None:
    client.force_login(UserFactory.create(email="ada@example.org"))

    page = client.get("/admin/")

    assert page.status_code == 403
    assert "You are signed in as ada@example.org." in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "roles", "said"),
    [
        ("/admin/", {"is_auditor", "is_reviewer"}, "operators"),
        ("/console/operations/", {"is_auditor", "is_reviewer"}, "operators"),
        ("/console/audit/", {"is_staff", "is_reviewer"}, "auditors"),
        ("/console/", {"is_staff", "is_auditor"}, "reviewers"),
        ("/console/metrics/", {"is_staff"}, "reviewers and auditors"),
    ],
)
def test_a_refused_page_says_whom_it_is_for(
    client: Client, path: str, roles: set[str], said: str
) -> None:
    client.force_login(UserFactory.create(**dict.fromkeys(roles, True)))

    page, data = client.get(path), client.get(path, headers=JSON)

    assert (page.status_code, data.status_code) == (403, 403)
    assert page.content.decode().count(f"It is for {said}.") == 1
    assert data.json()["error"] == {"code": "http_403", "message": f"This page is for {said}."}


@override_settings(ROOT_URLCONF=__name__)
def test_broken_page_needs_no_database_and_tells_no_secret(broken_client: Client) -> None:
    """Without the django_db mark, a query would fail this test."""
    broken_client.cookies["theme"] = "dark"

    page = broken_client.get("/break/")

    html = page.content.decode()
    assert page.status_code == 500
    assert "Something broke on our side" in html
    assert "the secret reason" not in html
    assert 'data-theme="dark"' in html
    assert page.headers["X-Request-ID"] in html


@pytest.mark.django_db
@override_settings(ROOT_URLCONF=__name__)
def test_misuse_is_400_and_tells_no_secret(broken_client: Client) -> None:
    page = broken_client.get("/misuse/")

    assert page.status_code == 400
    assert "The request could not be understood" in page.content.decode()
    assert "the secret reason" not in page.content.decode()


@pytest.mark.django_db
def test_expired_form_says_how_to_save_what_was_typed() -> None:
    page = Client(enforce_csrf_checks=True).post("/account/login/", {"login": "a@example.org"})

    assert page.status_code == 403
    assert "This form is too old to be sent" in page.content.decode()


@pytest.mark.django_db
@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/no/such/page/", 404, "http_404"),
        ("/misuse/", 400, "http_400"),
        ("/break/", 500, "http_500"),
    ],
)
def test_json_clients_get_json(broken_client: Client, path: str, status: int, code: str) -> None:
    answer = broken_client.get(path, headers=JSON)

    assert answer.status_code == status
    assert answer.json() == {"error": {"code": code, "message": views.SENTENCES[status]}}


@pytest.mark.parametrize(
    ("view", "status", "code"),
    [
        (views.csrf_failure, 403, "form_expired"),
        (views.too_many_requests, 429, "http_429"),
    ],
)
def test_json_for_refusals_before_the_view(
    view: Callable[[HttpRequest], HttpResponse], status: int, code: str
) -> None:
    answer = view(RequestFactory().post("/", headers=JSON))

    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (status, code)
