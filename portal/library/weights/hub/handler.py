"""The way of `/hub/` through Django: the Hub's headers for every error."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from django.http import HttpResponse

from portal.library.weights.hub.refusals import HubRefusal, answer_refusal
from portal.platform.core.errors import DomainError
from portal.platform.core.handler import SharedThreads
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.short_chain import ShortChain

PREFIX: Final = "/hub/"


class HubChain(ShortChain):
    """The Hub's middleware only."""

    words = {
        HTTPStatus.BAD_REQUEST: (RefusalCode.INVALID_VALUE, "The request could not be understood."),
        HTTPStatus.NOT_FOUND: (
            RefusalCode.REPOSITORY_NOT_FOUND,
            "There is no {path} here. This site has models and datasets only.",
        ),
        HTTPStatus.METHOD_NOT_ALLOWED: (
            RefusalCode.METHOD_NOT_ALLOWED,
            "{path} does not accept {method}: repositories here are read-only.",
        ),
    }
    no_such_address = RefusalCode.FILE_NOT_FOUND
    use_https = "HF_ENDPOINT must begin with https://."
    refusal = HubRefusal
    chunk_size = 2**20
    """Django would cut pieces of files into 64 KiB."""

    def refuse(self, error: DomainError) -> HttpResponse:
        return answer_refusal(error)


class HubHandler(HubChain, SharedThreads):
    """For `/hub` and everything below it."""
