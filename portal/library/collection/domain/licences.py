"""Under which licence the files of a repository are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.urls import reverse

from portal.library.weights.models import Repository

ONE_LICENCE: Final = re.compile(r"[A-Za-z0-9.+-]+")
"""As opposed to an expression with several."""


@dataclass(frozen=True)
class LicenceFacts:
    """A licence's name, its identifier in SPDX's list, and where to read it; empty if unknown."""

    name: str
    spdx: str = ""
    url: str = ""


def describe_licence(repository: Repository) -> LicenceFacts:
    if repository.is_weights:
        return LicenceFacts(repository.model.weights_licence)
    if repository.licence is not None:
        path = reverse("licensing:read", args=[repository.licence.slug])
        return LicenceFacts(repository.licence.name, url=settings.SITE_URL + path)
    if ONE_LICENCE.fullmatch(repository.spdx):
        url = f"https://spdx.org/licenses/{repository.spdx}.html"
        return LicenceFacts(repository.spdx, repository.spdx, url)
    return LicenceFacts(repository.spdx)
