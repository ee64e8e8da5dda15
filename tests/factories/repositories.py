"""Published code, notes and data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from portal.gate.catalog.models import Release
from portal.library.weights.domain.publishing import publish
from portal.library.weights.models import Repository, Revision
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ReleaseFactory
from tests.factories.licensing import SignatureFactory
from tests.factories.weights import write_folder

README = (
    b"# Notes of the family\n\nThe *loss* fell. See [the steps](steps/one.md). <b>no markup</b>\n"
)
TABLE = b"step,loss,word\n1,5.25,start\n2,4.5,\n"
NOTES = {"README.md": README, "steps/one.md": b"Step one.\n", "table.csv": TABLE}


def make_repository(release: Release | None = None, **changes: Any) -> Repository:
    """Public notes of a release, with no revision yet."""
    values = {
        "kind": "notes", "slug": "notes", "name": "Family notes", "audience": "public",
        "summary": "How the family was made.", "spdx": "CC-BY-4.0",
        "created_at": timezone.now(), **changes,
    }  # fmt: skip
    return Repository.objects.create(
        release=release or ReleaseFactory.create(slug="family", name="Family"), **values
    )


def make_notes(
    files: Mapping[str, bytes] = NOTES, *, repository: Repository | None = None, **changes: Any
) -> Revision:
    """A published revision, by default of new notes."""
    repository = repository or make_repository(**changes)
    number = repository.revisions.count() + 1
    return publish(repository, write_folder(f"{repository.slug}-{number}", files)).revision


def make_signer(release: Release) -> User:
    """A person who has signed the release's licence, and nothing else."""
    user = UserFactory.create()
    SignatureFactory.create(user=user, version=release.licence.versions.get())
    return user
