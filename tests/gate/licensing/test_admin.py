from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from portal.gate.licensing.models import Licence, LicenceVersion, Signature
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from tests.factories.accounts import UserFactory
from tests.factories.licensing import LicenceFactory, LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.django_db

ADD = "admin:licensing_licenceversion_add"


@pytest.fixture
def operator() -> User:
    return UserFactory.create(is_staff=True, is_superuser=True)


@pytest.fixture
def admin(client: Client, operator: User) -> Client:
    client.force_login(operator)
    return client


def words(licence: Licence, **changes: str) -> dict[str, str]:
    return {
        "licence": str(licence.pk),
        "text": "# New\r\n\r\n  Indented words. \r\n",
        "changes": "Clearer.",
        "effective_at_0": "2026-06-01",
        "effective_at_1": "12:00:00",
        "is_material": "on",
        "grace_days": "14",
    } | changes


def test_adding_a_version_publishes_it(admin: Client, operator: User) -> None:
    first = LicenceVersionFactory.create()

    response = admin.post(reverse(ADD), words(first.licence))

    assert response.status_code == 302
    version = LicenceVersion.objects.get(number=2)
    assert version.text == "# New\n\n  Indented words. \n"
    assert (version.is_material, version.grace_days, version.changes) == (True, 14, "Clearer.")
    assert version.effective_at.isoformat() == "2026-06-01T12:00:00+00:00"
    assert AuditEvent.objects.get().actor == operator


def test_a_text_published_before_is_refused_and_what_was_typed_stays(admin: Client) -> None:
    first = LicenceVersionFactory.create(text="The same\n")

    response = admin.post(reverse(ADD), words(first.licence, text="The same\r\n"))

    form = response.context["adminform"].form
    assert form.errors == {"text": ["This exact text has been published before."]}
    assert form["changes"].value() == "Clearer."
    assert LicenceVersion.objects.count() == 1


def test_a_published_version_is_shown_and_cannot_be_edited(admin: Client) -> None:
    version = LicenceVersionFactory.create()
    url = reverse("admin:licensing_licenceversion_change", args=[version.pk])

    assert admin.get(url).status_code == 200
    assert admin.post(url, words(version.licence)).status_code == 403
    assert (
        admin.post(reverse("admin:licensing_licenceversion_delete", args=[version.pk])).status_code
        == 403
    )


def test_a_signature_is_shown_and_cannot_be_edited(admin: Client) -> None:
    signature = SignatureFactory.create()
    url = reverse("admin:licensing_signature_change", args=[signature.pk])

    assert admin.get(url).status_code == 200
    assert admin.post(url, {"legal_name": "Somebody Else"}).status_code == 403
    assert Signature.objects.get().legal_name == signature.legal_name


def test_form_proposes_a_material_version_from_now(admin: Client) -> None:
    LicenceFactory.create()

    form = admin.get(reverse(ADD)).context["adminform"].form

    assert form["is_material"].value() is True
    assert form["grace_days"].value() == 30
