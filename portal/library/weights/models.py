"""Published files: weights, code, notes and data; links to weights, and who has fetched them."""

from __future__ import annotations

import uuid
from typing import cast

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from portal.gate.access.models import Grant
from portal.gate.catalog.models import HostedModel, Release
from portal.gate.keys.models import ApiKey
from portal.gate.licensing.models import Licence
from portal.library.weights.enums import Audience, Delivery, RepositoryKind
from portal.library.weights.rules import COMMIT, LFS_BYTES, LONGEST_PATH, SHA256

USER_AGENT_LENGTH = 200
SEARCH_CONFIG = "english"


class Repository(models.Model):
    """The published weights of a model, or code, notes or data of a release.

    Clients name it `<release>/<model>` or `<release>/<slug>`. Weights have a model and no other
    field; all other kinds have no model. Each is typed as present: the code for a kind asks only
    for what that kind has.
    """

    kind = models.CharField(
        max_length=16, choices=RepositoryKind.choices, default=RepositoryKind.WEIGHTS
    )
    model = cast(
        "models.OneToOneField[HostedModel, HostedModel]",
        models.OneToOneField(
            HostedModel, on_delete=models.PROTECT, null=True, related_name="repository"
        ),
    )
    release = cast(
        "models.ForeignKey[Release, Release]",
        models.ForeignKey(
            Release, on_delete=models.PROTECT, null=True, related_name="repositories"
        ),
    )
    slug = models.CharField(max_length=50, blank=True)
    name = models.CharField(max_length=200, blank=True)
    summary = models.CharField(max_length=300, blank=True)
    authors = models.JSONField(default=list)
    audience = models.CharField(max_length=16, choices=Audience.choices, blank=True)
    licence = models.ForeignKey(
        Licence, on_delete=models.PROTECT, null=True, related_name="+",
        help_text="A licence of this site, under which the files are; or else `spdx`.",
    )  # fmt: skip
    spdx = models.CharField(max_length=100, blank=True, help_text="SPDX licence expression.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "repositories"
        constraints = [
            models.UniqueConstraint(fields=["release", "slug"], name="one_repository_a_slug"),
            models.CheckConstraint(
                name="repository_of_a_model_or_of_a_release",
                condition=Q(
                    kind=RepositoryKind.WEIGHTS, model__isnull=False, release=None, slug="",
                    audience="",
                )
                | Q(
                    ~Q(kind=RepositoryKind.WEIGHTS), ~Q(slug=""), ~Q(audience=""),
                    model=None, release__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="repository_has_one_licence",
                condition=Q(kind=RepositoryKind.WEIGHTS)
                | Q(licence=None, spdx__gt="")
                | Q(licence__isnull=False, spdx=""),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        if self.is_weights:
            return f"{self.model.release.slug}/{self.model.slug}"
        return f"{self.release.slug}/{self.slug}"

    @property
    def is_weights(self) -> bool:
        return self.kind == RepositoryKind.WEIGHTS

    @property
    def of_release(self) -> Release:
        """The release that it belongs to, directly or by its model."""
        return self.model.release if self.is_weights else self.release


class Revision(models.Model):
    """One published state of a repository. A trigger refuses every change."""

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=50)
    commit = models.CharField(max_length=40, help_text="SHA-1 of the manifest.")
    folder = models.CharField(max_length=500, help_text="Below WEIGHTS_DIR.")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "number"], name="one_revision_a_number"),
            models.UniqueConstraint(fields=["repository", "name"], name="one_revision_a_name"),
            models.UniqueConstraint(fields=["repository", "commit"], name="one_revision_a_commit"),
            models.CheckConstraint(
                name="revision_commit_is_sha1", condition=Q(commit__regex=COMMIT)
            ),
            models.CheckConstraint(name="revisions_count_from_1", condition=Q(number__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.repository} {self.name}"


class File(models.Model):
    """One file of a revision. A trigger refuses every change."""

    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="files")
    path = models.CharField(max_length=LONGEST_PATH)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    blob = models.CharField(
        max_length=40, help_text="The id that git would give it, or the pointer to it."
    )
    is_open = models.BooleanField(
        help_text="Of weights: anybody may fetch it without a grant. "
        "Of other kinds the repository's audience decides, and this is False."
    )

    class Meta:
        ordering = ["path"]
        constraints = [
            models.UniqueConstraint(
                "revision", Lower("path"), name="one_file_a_path_whatever_its_case"
            ),
            models.CheckConstraint(name="file_sha256", condition=Q(sha256__regex=SHA256)),
            models.CheckConstraint(name="file_blob_is_sha1", condition=Q(blob__regex=COMMIT)),
            models.CheckConstraint(name="file_has_path", condition=~Q(path="")),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def is_lfs(self) -> bool:
        return self.size >= LFS_BYTES

    @property
    def etag(self) -> str:
        """What clients call the file in their cache, and what `hf cache verify` compares."""
        return self.sha256 if self.is_lfs else self.blob


class FileText(models.Model):
    """The text of a file of code, notes or data, to be read on a page and searched."""

    file = models.OneToOneField(
        File, on_delete=models.PROTECT, primary_key=True, related_name="text"
    )
    text = models.TextField()
    search = models.GeneratedField(
        expression=SearchVector("text", config=SEARCH_CONFIG),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        indexes = [GinIndex(fields=["search"], name="weights_file_text_search")]

    def __str__(self) -> str:
        return f"Text of {self.file}"


class LinkList(models.Model):
    """A person's links to the files of one revision, for programs that know no keys.

    `digest` is the SHA-256 of the token that all of them contain, the only trace of it that is
    kept. Ending the links erases it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="weights_links"
    )
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="links")
    digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["digest"], condition=~Q(digest=""), name="one_link_list_a_digest"
            ),
            models.CheckConstraint(
                name="ended_links_have_no_digest",
                condition=Q(ended_at=None) ^ Q(digest=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.revision}"


class Download(models.Model):
    """One person's request for bytes of a file that needs a grant, and what was sent."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="downloads"
    )
    key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="downloads")
    links = models.ForeignKey(
        LinkList, on_delete=models.PROTECT, null=True, related_name="downloads"
    )
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="downloads")
    file = models.ForeignKey(File, on_delete=models.PROTECT, related_name="downloads")
    first_byte = models.PositiveBigIntegerField()
    length = models.PositiveBigIntegerField(help_text="The bytes that were requested.")
    sent = models.PositiveBigIntegerField(
        default=0, help_text="The bytes that were sent; with nginx, those handed to it."
    )
    delivery = models.CharField(max_length=16, choices=Delivery.choices)
    tool = models.CharField(max_length=USER_AGENT_LENGTH, blank=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When its stream was last known to run.")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="download_sends_what_was_requested", condition=Q(sent__lte=F("length"))
            ),
            models.CheckConstraint(
                name="download_by_key_or_link",
                condition=Q(key__isnull=False) ^ Q(links__isnull=False),
            ),
            models.CheckConstraint(
                name="download_ends_after_start",
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "started_at"]),
            models.Index(
                fields=["user"], condition=Q(ended_at=None), name="weights_downloads_under_way"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.file}"
