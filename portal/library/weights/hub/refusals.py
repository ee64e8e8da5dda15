"""Refusals as the Hub's clients show them.

Each client reads another place: the exceptions of Python the header `X-Error-Message`, newer
command lines only `X-HF-Warning`, and curl the body. `X-Error-Code` chooses the exception; without
it, older clients speak of the internet connection.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import JsonResponse

from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

CODES: Final = {
    RefusalCode.REPOSITORY_NOT_FOUND: "RepoNotFound",
    RefusalCode.REVISION_NOT_FOUND: "RevisionNotFound",
    RefusalCode.FILE_NOT_FOUND: "EntryNotFound",
}


class HubRefusal(JsonResponse):
    """A refusal with the Hub's headers, as opposed to one of Django's error pages."""


def answer_refusal(error: DomainError, *, commit: str = "") -> HubRefusal:
    """The refusal as a response; with `commit`, clients remember that a file does not exist."""
    shape = error.code.shape
    response = HubRefusal(
        {
            "error": error.message,
            "code": error.code,
            "next_step": f"{settings.SITE_URL}{error.next_url}" if error.next_url else None,
        },
        status=shape.status,
        headers=dict(shape.headers),
    )
    sentence = f"[{error.code}] {error.message}".encode("ascii", "replace").decode()
    sentence = " ".join(sentence.split())
    response["X-Error-Message"] = sentence
    if (code := _choose_code(error.code)) != "":
        response["X-Error-Code"] = code
    if code == "GatedRepo" or shape.status == HTTPStatus.TOO_MANY_REQUESTS:
        response["X-HF-Warning"] = f"access; {sentence}"
    if shape.status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    if commit:
        response["X-Repo-Commit"] = commit
    return response


def _choose_code(code: RefusalCode) -> str:
    if code in CODES:
        return CODES[code]
    if code.shape.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return "GatedRepo"
    return ""
