"""The public page: what a code and a fingerprint show, and who gets the PDF."""

from __future__ import annotations

import hashlib
import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from portal.desk.privacy.domain.erasure import erase_person
from portal.gate.licensing.codes import ALPHABET, make_code, read_code
from portal.gate.licensing.domain.agreement.issue import issue_agreement
from portal.gate.licensing.enums import Capacity
from portal.gate.licensing.models import IssuedAgreement, Signature
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core import rate_limit
from tests.factories.accounts import UserFactory
from tests.factories.licensing import LicenceVersionFactory, SignatureFactory
from tests.plugin import running_valkey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
ASK = "/verify/"


@pytest.fixture
def signature() -> Signature:
    signed: Signature = SignatureFactory.create(
        legal_name="Ada King Byron",
        email="ada@example.org",
        capacity=Capacity.ENTITY,
        entity_name="Analytical Society",
        version__licence__name="Research licence",
    )
    return signed


def page_of(signature: Signature) -> str:
    return reverse("verification:signature", args=[signature.code])


def fetch(signature: Signature, by: User) -> tuple[int, bytes]:
    client = Client()
    client.force_login(by)
    answer = client.get(reverse("licensing:signature_pdf", args=[signature.pk]))
    return answer.status_code, answer.content


def test_codes_are_long_and_none_is_like_another() -> None:
    codes = {make_code() for _ in range(200)}
    assert len(codes) == 200
    assert len(ALPHABET) ** 16 == 2**80
    assert all(re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", code) for code in codes)


@pytest.mark.parametrize(
    "typed",
    ["0A1B-2C3D-4E5F-6G7H", "0a1b2c3d4e5f6g7h", " OAIB 2C3D 4E5F 6G7H ", "oalb-2c3d-4e5f-6g7h"],
)
def test_a_code_may_be_typed_as_it_is_read(typed: str) -> None:
    assert read_code(typed) == "0A1B-2C3D-4E5F-6G7H"


def test_the_page_shows_what_was_signed_and_no_name(client: Client, signature: Signature) -> None:
    response = client.get(page_of(signature))
    text = response.content.decode()
    assert (response.status_code, response["X-Robots-Tag"]) == (200, "noindex")
    for fact in (signature.code, signature.sha256, "None is in force", "A. K. B."):
        assert text.count(fact) >= 1, fact
    assert text.count("Research licence, version 1") == 1
    assert text.count("For an organisation, stating the authority to bind it") == 1
    for secret in ("Byron", "ada@example.org", "Analytical", signature.ip or ""):
        assert text.count(secret) == 0, secret


def test_the_page_names_a_newer_version(client: Client, signature: Signature) -> None:
    LicenceVersionFactory.create(licence=signature.version.licence, number=2)
    text = client.get(page_of(signature)).content.decode()
    assert text.count(">Version 2</a> is in force since 1 January 2026") == 1


@pytest.mark.parametrize(
    ("name", "is_same"),
    [
        ("Ada King Byron", True),
        (" ada  king byron", True),
        ("Analytical society", True),
        ("Ada Byron", False),
        ("A. K. B.", False),
    ],
)
def test_a_name_from_the_paper_is_compared_and_never_shown(
    client: Client, signature: Signature, name: str, is_same: bool
) -> None:
    response = client.post(page_of(signature), {"name": name})
    assert (response.status_code, response.context["is_same_name"]) == (200, is_same)


def test_a_typed_code_leads_to_its_page(client: Client, signature: Signature) -> None:
    typed = signature.code.lower().replace("-", " ")
    response = client.post(ASK, {"asked": typed})
    assert (response.status_code, response["Location"]) == (302, page_of(signature))


@pytest.mark.parametrize("asked", ["0000-0000-0000-0000", "nothing", "é", "f" * 63])
def test_an_unknown_code_is_told_plainly(client: Client, asked: str) -> None:
    by_form = client.post(ASK, {"asked": asked})
    by_address = client.get(reverse("verification:signature", args=[asked]))
    for response in (by_form, by_address):
        assert response.status_code == 404
        assert response.content.decode().count("No signature has this code") == 1


def test_an_unknown_fingerprint_is_told_plainly(client: Client) -> None:
    response = client.post(ASK, {"asked": "f" * 64})
    assert response.status_code == 404
    assert response.content.decode().count("No file here has this SHA-256") == 1


def test_an_empty_form_asks_for_something(client: Client) -> None:
    response = client.post(ASK, {"asked": " "})
    assert response.status_code == 422
    assert response.content.decode().count("Type a code, or paste a SHA-256.") >= 1


def test_the_fingerprint_of_a_pdf_is_known_once_it_was_handed_out(
    client: Client, signature: Signature
) -> None:
    status, content = fetch(signature, signature.user)
    sha256 = hashlib.sha256(content).hexdigest()
    spaced = " ".join(sha256.upper()[at : at + 8] for at in range(0, 64, 8))
    response = client.post(ASK, {"asked": spaced})
    text = response.content.decode()
    assert (status, response.status_code) == (200, 200)
    assert text.count("This file is unchanged") == text.count(f">{signature.code}</span></h2>") == 1
    assert (
        client.post(ASK, {"asked": hashlib.sha256(content + b"x").hexdigest()}).status_code == 404
    )


def test_the_fingerprint_of_a_text_names_its_version(client: Client, signature: Signature) -> None:
    text = client.post(ASK, {"asked": signature.sha256}).content.decode()
    assert text.count("This is the text of a licence") == 1
    assert text.count("Research licence, version 1") == 1
    assert text.count(signature.code) == 0


def test_after_an_erasure_the_signature_stands_without_its_signer(
    client: Client, signature: Signature
) -> None:
    agreement = issue_agreement(signature, to=signature.user)
    erase_person(signature.user, actor=None)
    text = client.get(page_of(signature)).content.decode()
    assert text.count("request; the signature remains") == 1
    assert text.count("Is this the signer?") == 0
    same = client.post(page_of(signature), {"name": "Ada King Byron"})
    assert same.context["is_same_name"] is False
    assert client.post(ASK, {"asked": agreement.sha256}).status_code == 200


def test_the_pages_answer_only_so_often(
    client: Client, signature: Signature, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "MOST", 3)
    pages = [page_of(signature), ASK, page_of(signature), ASK, page_of(signature)]
    assert [client.get(page).status_code for page in pages] == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("role", ["is_reviewer", "is_auditor"])
def test_who_checks_others_gets_the_pdf_and_is_recorded(signature: Signature, role: str) -> None:
    reader = UserFactory.create(**{role: True})
    status, content = fetch(signature, reader)
    assert (status, content[:5]) == (200, b"%PDF-")
    event = AuditEvent.objects.get(tag=AuditTag.AGREEMENT_ISSUED)
    assert (event.actor, event.subject) == (reader, f"signature:{signature.pk}")
    assert event.data == {"sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize("role", ["is_staff", None])
def test_a_stranger_is_not_told_that_it_exists(signature: Signature, role: str | None) -> None:
    stranger = UserFactory.create(**{role: True} if role else {})
    assert fetch(signature, stranger)[0] == 404
    assert IssuedAgreement.objects.count() == 0


def test_fetched_twice_it_is_one_file(signature: Signature) -> None:
    first, second = fetch(signature, signature.user), fetch(signature, signature.user)
    assert first == second
    assert IssuedAgreement.objects.get().sha256 == hashlib.sha256(first[1]).hexdigest()


def test_the_signers_own_page_shows_code_and_fingerprint(signature: Signature) -> None:
    agreement = issue_agreement(signature, to=signature.user)
    client = Client()
    client.force_login(signature.user)
    text = client.get(reverse("licensing:signature", args=[signature.pk])).content.decode()
    assert text.count(agreement.sha256) == 1
    assert text.count(f'href="{page_of(signature)}"') == 1


def test_a_check_costs_two_queries(
    client: Client, signature: Signature, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get(page_of(signature))
    with django_assert_num_queries(2):
        client.get(page_of(signature))


def test_one_person_gets_only_so_many_pdfs(
    signature: Signature, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "MOST", 2)
    signer, reviewer = signature.user, UserFactory.create(is_reviewer=True)
    readers = [signer, signer, signer, reviewer]
    assert [fetch(signature, reader)[0] for reader in readers] == [200, 200, 429, 200]


def test_without_valkey_both_still_answer(client: Client, signature: Signature) -> None:
    running_valkey().kill()
    assert fetch(signature, signature.user)[0] == 200
    assert client.get(page_of(signature)).status_code == 200
    running_valkey().start()
