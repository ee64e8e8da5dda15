from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.gate.licensing.enums import Capacity
from portal.gate.licensing.models import LicenceVersion, Signature
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.licensing import LicenceFactory, LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return UserFactory.create(name="Ada Byron", email="ada@example.org")


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def sign_url(version: LicenceVersion) -> str:
    return reverse("licensing:sign", args=[version.licence.slug])


def words(version: LicenceVersion, **changes: str) -> dict[str, str]:
    return {
        "version": str(version.pk),
        "legal_name": "Ada King Byron",
        "capacity": "self",
        "has_read": "on",
    } | changes


def test_everybody_reads_the_version_in_force_and_older_ones(client: Client) -> None:
    first = LicenceVersionFactory.create(text="# The old words")
    LicenceVersionFactory.create(licence=first.licence, number=2, text="# The new words")

    current = client.get(reverse("licensing:read", args=[first.licence.slug]))
    older = client.get(reverse("licensing:version", args=[first.licence.slug, 1]))

    assert current.status_code == older.status_code == 200
    assert current.context["reading"].version.number == 2
    assert current.content.decode().count(">The new words</h2>") == 1
    assert older.content.decode().count(">The old words</h2>") == 1
    assert older.content.decode().count("<strong>An older version</strong>") == 1


@pytest.mark.parametrize("path", ["/licence/nothing/", "/licence/nothing/1/text/"])
def test_an_unknown_licence_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_licence_without_a_version_is_not_found(client: Client) -> None:
    licence = LicenceFactory.create()

    assert client.get(reverse("licensing:read", args=[licence.slug])).status_code == 404


def test_text_of_a_version_downloads_with_the_bytes_of_its_hash(client: Client) -> None:
    version = LicenceVersionFactory.create(text="Ligne\r\n<b>deux</b> \n")

    response = client.get(reverse("licensing:download", args=[version.licence.slug, 1]))

    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert hashlib.sha256(response.content).hexdigest() == version.sha256


def test_signing_asks_for_an_account_and_comes_back(client: Client) -> None:
    version = LicenceVersionFactory.create()

    response = client.get(sign_url(version))

    assert response.status_code == 302
    assert response["Location"] == f"{reverse('account_login')}?next={sign_url(version)}"


def test_signing_for_oneself_leads_to_the_copy(signed_in: Client, user: User) -> None:
    version = LicenceVersionFactory.create()

    response = signed_in.post(sign_url(version), words(version), REMOTE_ADDR="192.0.2.9")

    signature = Signature.objects.get()
    assert response["Location"] == reverse("licensing:signature", args=[signature.pk])
    assert (signature.user, signature.legal_name) == (user, "Ada King Byron")
    assert (signature.capacity, signature.ip) == (Capacity.SELF, "192.0.2.9")


def test_a_name_beside_the_signature_is_never_markup(client: Client) -> None:
    version = LicenceVersionFactory.create()
    client.force_login(UserFactory.create(name="<b>Ada</b>"))

    html = client.get(sign_url(version)).content.decode()

    assert html.count("<b>Ada") == 0
    assert html.count("Your account says “&lt;b&gt;Ada&lt;/b&gt;”.") == 1


def test_signing_for_an_organisation_names_it(signed_in: Client) -> None:
    version = LicenceVersionFactory.create()

    signed_in.post(
        sign_url(version),
        words(version, capacity="entity", entity_name="Society", has_authority="on"),
    )

    assert Signature.objects.get().entity_name == "Society"


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        (
            {"legal_name": "A", "has_read": ""},
            {
                "legal_name": ["Type your full legal name."],
                "has_read": ["Confirm that you have read the text and agree to it."],
            },
        ),
        (
            {"capacity": "entity"},
            {
                "entity_name": ["Name the organisation that you sign for."],
                "has_authority": [
                    (
                        "Confirm that you are authorised to bind the organisation, or sign for "
                        "yourself."
                    )
                ],
            },
        ),
        ({"capacity": ""}, {"capacity": ["Say for whom you sign."]}),
    ],
)
def test_what_is_missing_is_named_and_what_was_typed_stays(
    signed_in: Client, changes: dict[str, str], errors: dict[str, list[str]]
) -> None:
    version = LicenceVersionFactory.create()

    response = signed_in.post(sign_url(version), words(version, **changes))

    assert response.status_code == 422
    assert response.context["form"].errors == errors
    typed = response.context["form"]["legal_name"].value()
    assert typed == changes.get("legal_name", "Ada King Byron")
    assert Signature.objects.count() == 0


@pytest.mark.parametrize("has_read", ["on", ""])
def test_a_stale_page_is_refused_kindly_and_shows_the_new_text(
    signed_in: Client, has_read: str
) -> None:
    old = LicenceVersionFactory.create()
    new = LicenceVersionFactory.create(licence=old.licence, number=2, text="# Brand new words")
    typed = words(
        old, capacity="entity", entity_name="Society", has_authority="on", has_read=has_read
    )

    response = signed_in.post(sign_url(old), typed)

    form = response.context["form"]
    assert response.status_code == 409
    assert response.context["superseded"] == (
        "Version 1 has been replaced by version 2. Read and sign the new version."
    )
    assert response.content.decode().count(">Brand new words</h2>") == 1
    assert form["version"].value() == str(new.pk)
    assert (form["legal_name"].value(), form["entity_name"].value()) == (
        "Ada King Byron",
        "Society",
    )
    assert form["has_read"].value() is False
    assert Signature.objects.count() == 0


def test_signing_twice_leads_to_the_copy_with_a_kind_word(signed_in: Client, user: User) -> None:
    signature = SignatureFactory.create(user=user, signed_at=datetime(2026, 5, 4, tzinfo=UTC))
    copy = reverse("licensing:signature", args=[signature.pk])

    for response in (
        signed_in.get(sign_url(signature.version), follow=True),
        signed_in.post(sign_url(signature.version), words(signature.version), follow=True),
    ):
        assert response.redirect_chain == [(copy, 302)]
        assert [str(message) for message in response.context["messages"]] == [
            "You signed this version on 4 May 2026. Nothing more is needed."
        ]
    assert Signature.objects.count() == 1


def test_an_unconfirmed_address_is_told_the_way_and_loses_nothing(client: Client) -> None:
    client.force_login(UserFactory.create(verified=False))
    version = LicenceVersionFactory.create()

    response = client.post(sign_url(version), words(version))

    assert response.status_code == 422
    assert response.context["next_url"] == reverse("account_email")
    assert response.context["form"].non_field_errors() == [
        "Confirm your e-mail address before you sign."
    ]
    assert response.context["form"]["legal_name"].value() == "Ada King Byron"


def test_a_version_of_another_licence_cannot_be_signed_here(signed_in: Client) -> None:
    version, other = LicenceVersionFactory.create(), LicenceVersionFactory.create()

    assert signed_in.post(sign_url(version), words(other)).status_code == 404
    assert signed_in.post(sign_url(version), {"version": "x"}).status_code == 404


def test_signed_copy_keeps_its_bytes_after_a_new_version(signed_in: Client, user: User) -> None:
    version = LicenceVersionFactory.create(text="# Signed words\r\n\r\nOnly these.\n")
    signature = SignatureFactory.create(user=user, version=version)
    LicenceVersionFactory.create(licence=version.licence, number=2, text="# Other words")

    page = signed_in.get(reverse("licensing:signature", args=[signature.pk]))
    text = signed_in.get(reverse("licensing:signature_text", args=[signature.pk]))

    assert page.context["is_intact"] is True
    assert page.content.decode().count(">Signed words</h2>") == 1
    assert text["Content-Type"] == "text/plain; charset=utf-8"
    assert text.content == b"# Signed words\r\n\r\nOnly these.\n"
    assert hashlib.sha256(text.content).hexdigest() == signature.sha256


def test_a_copy_that_does_not_match_its_hash_says_so(signed_in: Client, user: User) -> None:
    signature = SignatureFactory.create(user=user, text="Not what was hashed.")

    page = signed_in.get(reverse("licensing:signature", args=[signature.pk]))

    assert page.context["is_intact"] is False
    assert page.content.decode().count("does not match its SHA-256") == 1


@pytest.mark.parametrize("name", ["licensing:signature", "licensing:signature_text"])
def test_the_signature_of_a_stranger_is_not_found(signed_in: Client, name: str) -> None:
    signature = SignatureFactory.create()

    assert signed_in.get(reverse(name, args=[signature.pk])).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_list_of_signatures_costs_the_same_for_any_number(
    signed_in: Client,
    user: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
) -> None:
    for _ in range(count):
        SignatureFactory.create(user=user)
    SignatureFactory.create()

    signed_in.get(reverse("licensing:signatures"))

    with django_assert_num_queries(QUERIES_OF_A_SESSION + 2):
        response = signed_in.get(reverse("licensing:signatures"))

    assert len(response.context["signatures"]) == count


@pytest.mark.parametrize("count", [1, 3])
def test_reading_costs_the_same_for_any_number_of_versions(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    licence = LicenceFactory.create()
    for number in range(1, count + 1):
        LicenceVersionFactory.create(licence=licence, number=number)

    with django_assert_num_queries(3):
        response = client.get(reverse("licensing:read", args=[licence.slug]))

    assert len(response.context["reading"].versions) == count


def test_empty_list_of_signatures_offers_the_first_step(signed_in: Client) -> None:
    response = signed_in.get(reverse("licensing:signatures"))

    assert response.content.decode().count("You have not signed anything yet") == 1


def test_text_to_come_is_shown_but_says_when_it_holds(client: Client) -> None:
    version = LicenceVersionFactory.create(effective_at=timezone.now() + timedelta(days=9))

    response = client.get(reverse("licensing:read", args=[version.licence.slug]))

    assert response.content.decode().count("<strong>Not in force yet</strong>") == 1


QUERIES_OF_A_SESSION = 2
"""The session and its person; it was last active a moment ago."""
