"""A signed mark in every form of a signed-in person: to whom it was shown, and on which page.

A form may be sent in another session than the one that showed it, which may have ended meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest

FIELD: Final = "form_origin"
_SIGNER: Final = Signer(salt="portal.core.form_origin")


@dataclass(frozen=True)
class FormOrigin:
    """Whose form it is, and the page that shows it."""

    person_id: int
    page: str


def sign_origin(request: HttpRequest) -> str:
    """The mark for the forms of this page; empty if nobody is signed in.

    When the page is the response to a POST, the mark names the page of the form that was sent.
    """
    if not request.user.is_authenticated:
        return ""
    sent = read_origin(request)
    page = request.get_full_path()
    if sent is not None and sent.person_id == request.user.pk:
        page = sent.page
    return _SIGNER.sign_object([request.user.pk, page])


def read_origin(request: HttpRequest) -> FormOrigin | None:
    """The origin that a sent form's mark names; None without a mark signed by this site."""
    if request.method != "POST":
        return None
    try:
        person_id, page = _SIGNER.unsign_object(request.POST.get(FIELD, ""))
    except BadSignature:
        return None
    return FormOrigin(person_id, page)
