"""A signed agreement as a PDF.

The same signature gives the same bytes, as long as the libraries stay the same: nothing in it
depends on when or by whom it is made.
"""

from __future__ import annotations

from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from portal.gate.licensing.domain.agreement.letters import (
    FONTS,
    MAIN,
    Drawable,
    make_drawable,
    spell,
)
from portal.gate.licensing.enums import Capacity
from portal.gate.licensing.models import Signature

MARGIN: Final = 22.0
LABEL_WIDTH: Final = 44.0
INK, FAINT = (30, 35, 36), (100, 108, 105)
BODY, TEXT, SMALL, HEAD, TITLE = 9.5, 8.6, 8.0, 11.0, 18.0
"""Sizes in points."""


def draw_agreement(signature: Signature, *, verification_url: str) -> bytes:
    """The PDF of a signature: who signed what and when, and the exact text.

    The text's bytes are also attached, so that its SHA-256 can be computed from the PDF alone.
    Needs `signature.version.licence`; reads nothing else from the database.
    """
    paper = _Paper(signature)
    paper.add_page()
    licence = signature.version.licence
    paper.put(licence.name, size=TITLE)
    paper.put(f"Version {signature.version.number}, signed copy", size=HEAD, colour=FAINT)
    paper.ln(4)
    for label, value in _facts(signature):
        paper.put_fact(label, value)
    paper.put_fact("SHA-256 of the text", signature.sha256, size=SMALL)
    paper.put_fact("Verify at", verification_url, link=verification_url)
    paper.ln(2)
    for note in _notes(signature):
        paper.put(note, size=SMALL, colour=FAINT)
        paper.ln(1)
    paper.ln(3)
    paper.put_rule()
    paper.put_text(signature.text)
    paper.embed_file(
        bytes=signature.text.encode(),
        basename=f"{licence.slug}-v{signature.version.number}.md",
        desc="The text that was signed, byte for byte",
        mime_type="text/markdown",
        creation_date=signature.signed_at,
        modification_date=signature.signed_at,
        compress=True,
    )
    return bytes(paper.output())


def _facts(signature: Signature) -> list[tuple[str, str]]:
    version = signature.version
    is_entity = signature.capacity == Capacity.ENTITY
    capacity = (
        "For an organisation, stating the authority to bind it" if is_entity else "For themselves"
    )
    return [
        ("Signed by", signature.legal_name),
        ("Account", signature.email),
        ("Capacity", capacity),
        *([("Organisation", signature.entity_name)] if is_entity else []),
        ("Signed at", f"{signature.signed_at:%-d %B %Y, %H:%M:%S} UTC"),
        ("Licensor", version.licence.licensor),
        ("Version", f"{version.number}, in force from {version.effective_at:%-d %B %Y, %H:%M} UTC"),
        ("Signature number", str(signature.pk)),
        ("Signature code", signature.code),
    ]


def _notes(signature: Signature) -> list[str]:
    """What a reader must know to compare this paper with something else."""
    notes = []
    if signature.is_erased:
        notes.append("The signer has asked to be erased: a number replaces the name and address.")
    for label, value in (("name", signature.legal_name), ("organisation", signature.entity_name)):
        if make_drawable(value).lost:
            notes.append(
                f"The fonts of this file lack letters of the {label}. In Unicode it is spelt"
                f" {spell(value)}."
            )
    if lost := make_drawable(signature.text).lost:
        notes.append(
            "The text contains characters that are not visible below: "
            f"{spell(''.join(lost))}. They are in the attached file."
        )
    return notes


class _Paper(FPDF):
    """A4 with the house's margins, and the signature's number on every page."""

    def __init__(self, signature: Signature) -> None:
        super().__init__(format="A4")
        self._foot = f"Signature {signature.pk}  ·  {signature.code}"
        self.alias_nb_pages("")
        self.set_creation_date(signature.signed_at)
        self.set_title(f"{signature.version.licence.name}, version {signature.version.number}")
        self.set_subject(f"Signature {signature.code}")
        self.set_lang("en-GB")
        self.set_creator("Gatehouse")
        self.set_margin(MARGIN)
        self.set_auto_page_break(auto=True, margin=MARGIN)
        self.add_font(MAIN, fname=FONTS / f"{MAIN}.ttf")

    def footer(self) -> None:
        self.set_y(-MARGIN + 6)
        self._prepare(make_drawable(self._foot), size=SMALL, colour=FAINT)
        self.cell(0, 5, self._foot)
        self.cell(0, 5, f"Page {self.page_no()}", align="R")

    def put(self, text: str, *, size: float, colour: tuple[int, int, int] = INK) -> None:
        """A paragraph over the whole width."""
        drawable = make_drawable(text)
        self._prepare(drawable, size=size, colour=colour)
        self._write(0, drawable.text, size)

    def put_fact(self, label: str, value: str, *, link: str = "", size: float = BODY) -> None:
        """A label, and its value beside it."""
        top, page = self.get_y(), self.page
        self._prepare(make_drawable(label), size=SMALL, colour=FAINT)
        self.cell(LABEL_WIDTH, _height(BODY), label)
        drawable = make_drawable(value)
        self._prepare(drawable, size=size, colour=INK)
        self.set_xy(MARGIN + LABEL_WIDTH, top)
        self._write(0, drawable.text, BODY, link=link)
        if self.page == page:
            self.set_y(max(self.get_y(), top + _height(BODY)))
        self.ln(1)

    def put_rule(self) -> None:
        self.set_draw_color(*FAINT)
        self.line(MARGIN, self.get_y(), self.w - MARGIN, self.get_y())
        self.ln(4)

    def put_text(self, text: str) -> None:
        """The licence, letter for letter; only the size distinguishes headings from other lines."""
        for line in make_drawable(text).text.split("\n"):
            if not line.strip():
                self.ln(_height(TEXT) * 0.6)
                continue
            self.put(line, size=HEAD if line.startswith("#") else TEXT)

    def _write(self, width: float, text: str, size: float, *, link: str = "") -> None:
        self.multi_cell(
            width, _height(size), text, align="L", link=link,
            new_x=XPos.LMARGIN, new_y=YPos.NEXT,
        )  # fmt: skip

    def _prepare(self, drawable: Drawable, *, size: float, colour: tuple[int, int, int]) -> None:
        """Set font and colour; load further fonts only where a letter needs them."""
        for font in drawable.fallbacks:
            if font.lower() not in self.fonts:
                self.add_font(font, fname=FONTS / f"{font}.ttf")
        self.set_fallback_fonts(drawable.fallbacks, exact_match=False)
        self.set_text_shaping(drawable.needs_shaping)
        self.set_font(MAIN, size=size)
        self.set_text_color(*colour)


def _height(size: float) -> float:
    """The line height in millimetres for a size in points."""
    return size * 0.3528 * 1.5
