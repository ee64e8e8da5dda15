"""The PDF of a signed agreement: complete, the same every time, and for every name."""

from __future__ import annotations

import hashlib
import io
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pypdf import PdfReader

from portal.gate.licensing.domain.agreement.document import draw_agreement
from portal.gate.licensing.domain.agreement.letters import make_drawable, spell
from portal.gate.licensing.enums import Capacity
from portal.gate.licensing.models import Signature
from tests.factories.licensing import SignatureFactory

pytestmark = pytest.mark.django_db
URL = "https://gatehouse.example.org/verify/0000-1111-2222-3333/"
SIGNED_AT = datetime(2026, 6, 1, 12, 30, 15, tzinfo=UTC)
TEXT = "# Licence\n\n1. Study it.\r\n2. Sell nothing.\n\tKeep “{nb}” and déjà vu.\n"


def signed(**fields: Any) -> Signature:
    values = {
        "legal_name": "Ada King Byron",
        "email": "ada@example.org",
        "signed_at": SIGNED_AT,
        "version__text": TEXT,
        "version__licence__name": "Research licence",
        "version__licence__licensor": "Licensor Ltd",
        "code": "0000-1111-2222-3333",
        **fields,
    }
    signature: Signature = SignatureFactory.create(**values)
    return signature


def read(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(content)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def draw(**fields: Any) -> str:
    return read(draw_agreement(signed(**fields), verification_url=URL))


def test_it_says_who_signed_what_and_when() -> None:
    signature = signed(capacity=Capacity.ENTITY, entity_name="Analytical Society")
    text = read(draw_agreement(signature, verification_url=URL))
    for fact in (
        "Research licence Version 1, signed copy",
        "Signed by Ada King Byron Account ada@example.org",
        "Capacity For an organisation, stating the authority to bind it",
        "Organisation Analytical Society",
        "Signed at 1 June 2026, 12:30:15 UTC",
        "Licensor Licensor Ltd",
        "Version 1, in force from 1 January 2026, 00:00 UTC",
        f"SHA-256 of the text {signature.sha256}",
        f"Signature number {signature.pk}",
        "Signature code 0000-1111-2222-3333",
        f"Verify at {URL}",
        "# Licence 1. Study it. 2. Sell nothing. Keep “{nb}” and déjà vu.",
    ):
        assert text.count(fact) == 1, fact


def test_the_exact_bytes_of_the_text_are_attached() -> None:
    signature = signed()
    attached = PdfReader(io.BytesIO(draw_agreement(signature, verification_url=URL))).attachments
    ((name, (content,)),) = attached.items()
    assert name == f"{signature.version.licence.slug}-v1.md"
    assert content == TEXT.encode()
    assert hashlib.sha256(content).hexdigest() == signature.sha256


def test_the_same_signature_gives_the_same_bytes_whenever_it_is_drawn() -> None:
    signature = signed(legal_name="Ιωάννης 王小明 محمد")
    drawn = set()
    for days in (0, 1, 400):
        with time_machine.travel(SIGNED_AT + timedelta(days=days)):
            drawn.add(draw_agreement(signature, verification_url=URL))
    assert len(drawn) == 1


@pytest.mark.parametrize(
    "name",
    [
        "Søren Ångström",
        "Ольга Ковалевская",
        "Ιωάννης Παπαδόπουλος",
        "王小明",
        "山田はなこ カナ",
        "김철수",
        "Nguyễn Thị Ánh",
        "Հայկ Գրիգորյան",
        "ნინო ბერიძე",
        "สมชาย ใจดี",
        "أحمد بن محمد",
        "דוד כהן",
        "अमित शर्मा",
        "Łucja Żółć-Ďurišová",
    ],
)
def test_names_of_many_scripts_are_drawn_whole(name: str) -> None:
    assert make_drawable(name).lost == ()
    assert draw(legal_name=name).count("lack letters") == 0


@pytest.mark.parametrize(
    "name", ["Ольга Ковалевская", "Ιωάννης Παπαδόπουλος", "王小明", "김철수", "Nguyễn Thị Ánh"]
)
def test_names_can_be_copied_from_the_file(name: str) -> None:
    assert draw(legal_name=name).count(f"Signed by {name}") == 1


def test_a_name_in_decomposed_letters_is_drawn_composed() -> None:
    assert draw(legal_name="Rene\u0301e D\u0327x\u0304").count("Signed by Renée Ḑx̄") == 1


@pytest.mark.parametrize(
    ("name", "drawn", "spelt"),
    [
        ("Ada 🦖", "Ada \ufffd", "U+0041 U+0064 U+0061 U+0020 U+1F996"),
        ("ሀለሐ", "\ufffd\ufffd\ufffd", "U+1200 U+1208 U+1210"),
        ("Ada\u202eKing", "AdaKing", "U+0041 U+0064 U+0061 U+202E U+004B U+0069 U+006E U+0067"),
    ],
)
def test_what_no_font_has_is_spelt_and_never_left_out_in_silence(
    name: str, drawn: str, spelt: str
) -> None:
    text = draw(legal_name=name)
    assert text.count(f"Signed by {drawn} Account") == 1
    assert text.count(f"lack letters of the name. In Unicode it is spelt {spelt}.") == 1


def test_what_cannot_be_seen_in_the_text_is_told() -> None:
    text = draw(version__text="One 🦖 and \u200b two.\n")
    assert text.count("are not visible below: U+1F996 U+200B. They are in the attached file.") == 1
    assert text.count("One \ufffd and two.") == 1


def test_a_long_text_takes_many_pages_and_every_one_is_numbered() -> None:
    long = "\n\n".join(f"{number}. " + "Words of the licence. " * 20 for number in range(60))
    content = draw_agreement(signed(version__text=long), verification_url=URL)
    pages = PdfReader(io.BytesIO(content)).pages
    assert len(pages) > 4
    for number, page in enumerate(pages, start=1):
        assert page.extract_text().count(f"Page {number}") == 1


def test_an_erased_signer_is_a_number() -> None:
    text = draw(legal_name="person-7", email="person-7@erased.invalid")
    assert text.count("Signed by person-7 Account person-7@erased.invalid") == 1
    assert text.count("The signer has asked to be erased") == 1


def test_no_letter_of_a_name_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    signature = signed(legal_name="Ada 王小明 🦖")
    caplog.set_level(logging.DEBUG)
    draw_agreement(signature, verification_url=URL)
    assert caplog.records == []


@pytest.mark.parametrize(("text", "spelt"), [("Aé", "U+0041 U+00E9"), ("🦖", "U+1F996")])
def test_spelling_names_code_points(text: str, spelt: str) -> None:
    assert spell(text) == spelt
