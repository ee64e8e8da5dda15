"""A mark in every form of a signed-in person: who was shown it, and on which page.

The session that sends a form need not be the one it was shown in, which may have ended meanwhile.
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
    """Whose form it is, and the page that shows it when it is asked for."""

    person_id: int
    page: str


def sign_origin(request: HttpRequest) -> str:
    """The mark for the forms of this page; empty where nobody is signed in.

    A page that answers a POST stands for the one whose form was sent.
    """
    if not request.user.is_authenticated:
        return ""
    sent = read_origin(request)
    page = request.get_full_path()
    if sent is not None and sent.person_id == request.user.pk:
        page = sent.page
    return _SIGNER.sign_object([request.user.pk, page])


def read_origin(request: HttpRequest) -> FormOrigin | None:
    """What the mark of a sent form says; None where there is no mark of this site's own."""
    if request.method != "POST":
        return None
    try:
        person_id, page = _SIGNER.unsign_object(request.POST.get(FIELD, ""))
    except BadSignature:
        return None
    return FormOrigin(person_id, page)
