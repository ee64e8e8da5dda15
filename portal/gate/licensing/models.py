"""Licences, their immutable versions, and signatures bound to exact bytes.

Triggers in the database refuse to change or delete a published version or a signature.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models

from portal.gate.licensing.codes import make_code
from portal.gate.licensing.enums import Capacity

ERASED_DOMAIN = "@erased.invalid"
"""The domain of the address that a trigger lets an erasure write."""


class Licence(models.Model):
    """A licence, with all its versions."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    licensor = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class LicenceVersion(models.Model):
    """One published text. `sha256` is over the UTF-8 bytes of `text`."""

    licence = models.ForeignKey(Licence, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    effective_at = models.DateTimeField()
    is_material = models.BooleanField(
        help_text="After a material change, everybody must sign again within the grace period."
    )
    grace_days = models.PositiveIntegerField(default=30)
    changes = models.TextField(
        blank=True, help_text="What is new since the previous version, for its readers."
    )
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["licence", "number"]
        constraints = [
            models.UniqueConstraint(fields=["licence", "number"], name="licence_version_number"),
            models.UniqueConstraint(fields=["licence", "sha256"], name="licence_version_text"),
        ]

    def __str__(self) -> str:
        return f"{self.licence.name}, version {self.number}"

    @property
    def grace_ends_at(self) -> datetime:
        """When older signatures become outdated, if this version is material.

        Counted from when it is both published and in force, so that a text published late
        still leaves its readers the whole grace period.
        """
        return max(self.effective_at, self.published_at) + timedelta(days=self.grace_days)


class Signature(models.Model):
    """The fact that a person signed these exact bytes."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="signatures"
    )
    version = models.ForeignKey(LicenceVersion, on_delete=models.PROTECT, related_name="signatures")
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    legal_name = models.CharField(max_length=200)
    email = models.EmailField()
    capacity = models.CharField(max_length=16, choices=Capacity.choices)
    entity_name = models.CharField(max_length=200, blank=True)
    signed_at = models.DateTimeField()
    code = models.CharField(
        max_length=19, unique=True, default=make_code, help_text="For verification."
    )
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ["-signed_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "version"], name="signature_once_per_version"),
            models.CheckConstraint(
                name="signature_entity_named",
                condition=models.Q(capacity=Capacity.SELF, entity_name="")
                | (models.Q(capacity=Capacity.ENTITY) & ~models.Q(entity_name="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.legal_name}, {self.version}"

    @property
    def is_erased(self) -> bool:
        """Whether a number has replaced the signer's name and address."""
        return self.email.endswith(ERASED_DOMAIN)


class IssuedAgreement(models.Model):
    """The SHA-256 of a PDF that was issued for a signature.

    A newer library may produce other bytes: earlier PDFs are still recognised.
    """

    signature = models.ForeignKey(Signature, on_delete=models.PROTECT, related_name="issued")
    sha256 = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField()

    class Meta:
        ordering = ["issued_at"]

    def __str__(self) -> str:
        return f"{self.signature_id}: {self.sha256}"
