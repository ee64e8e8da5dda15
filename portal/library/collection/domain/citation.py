"""How to cite a revision: for BibTeX, and in the Citation File Format."""

from __future__ import annotations

import json

from django.conf import settings
from django.urls import reverse

from portal.library.collection.domain.licences import describe_licence
from portal.library.weights.enums import RepositoryKind
from portal.library.weights.models import Revision
from portal.platform.core.bibtex import escape_bibtex, write_misc


def address_of(revision: Revision) -> str:
    """The revision's page: a permalink, since revisions never change."""
    repository = revision.repository
    if repository.is_weights:
        path = reverse("weights:revision", args=[repository.model.slug, revision.name])
    else:
        path = reverse(
            "collection:revision", args=[repository.release.slug, repository.slug, revision.name]
        )
    return settings.SITE_URL + path


def list_authors(revision: Revision) -> list[str]:
    """Those of the repository, or else the licensor of its release."""
    return revision.repository.authors or [revision.repository.of_release.licensor]


def write_bibtex(revision: Revision) -> str:
    """An entry for any revision; of weights, it names the model's own credit line."""
    repository = revision.repository
    licence = escape_bibtex(describe_licence(repository).name)
    names = (f"{{{escape_bibtex(name)}}}" for name in list_authors(revision))
    title, credit = repository.name, ""
    if repository.is_weights:
        title = f"Weights of {repository.model.name}"
        credit = f". {escape_bibtex(repository.model.attribution)}"
    return write_misc(
        f"{str(repository).replace('/', '-')}-{revision.name}",
        {
            "author": " and ".join(names),
            "title": f"{{{escape_bibtex(title)}}}",
            "year": f"{revision.published_at:%Y}",
            "date": f"{revision.published_at:%Y-%m-%d}",
            "url": address_of(revision),
            "version": escape_bibtex(revision.name),
            "note": f"Commit {revision.commit}. Licence: {licence}{credit}",
        },
    )


def write_cff(revision: Revision) -> str:
    """A CITATION.cff for code, notes or data.

    Its strings are written as JSON, which YAML reads as well.
    """
    repository, licence = revision.repository, describe_licence(revision.repository)
    is_software = repository.kind == RepositoryKind.CODE
    fields = {
        "cff-version": "1.2.0",
        "message": "If you use this, please cite it as below.",
        "type": "software" if is_software else "dataset",
        "title": repository.name,
        "abstract": repository.summary,
        "version": revision.name,
        "commit": revision.commit,
        "date-released": f"{revision.published_at:%Y-%m-%d}",
        "url": address_of(revision),
        "license": licence.spdx,
        "license-url": "" if licence.spdx else licence.url,
    }
    lines = [f"{name}: {_quote(value)}" for name, value in fields.items() if value]
    lines += ["authors:", *(f"  - name: {_quote(name)}" for name in list_authors(revision))]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return json.dumps(printable, ensure_ascii=False)
