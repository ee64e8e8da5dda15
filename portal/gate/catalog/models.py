"""What is released. Rows come from a release folder by `manage.py load_release`."""

from __future__ import annotations

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from portal.gate.catalog.enums import ModelStatus, Tier
from portal.gate.licensing.models import Licence

MODEL_NAME = RegexValidator(
    r"^[a-z0-9]+(?:[-_.]?[a-z0-9]+)*$",
    "Lower-case letters and digits, with single dots, hyphens or underscores between them.",
)


class Release(models.Model):
    """A family of models under one licence. Texts are Markdown, from the release's files."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    tagline = models.CharField(max_length=300, help_text="What it is, in one line.")
    licensor = models.CharField(max_length=200)
    contact_email = models.EmailField()
    licence = models.ForeignKey(Licence, on_delete=models.PROTECT, related_name="releases")
    summary = models.TextField()
    why_gated = models.TextField()
    process = models.TextField()
    review_days = models.PositiveSmallIntegerField(
        help_text="Working days within which most applications are decided."
    )
    model_card = models.TextField()
    data_card = models.TextField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.name


class HostedModel(models.Model):
    """One model of a release, described here whether or not it is served here."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="models")
    slug = models.CharField(max_length=50, unique=True, validators=[MODEL_NAME])
    name = models.CharField(max_length=200)
    parameters = models.PositiveBigIntegerField()
    layers = models.PositiveIntegerField()
    heads = models.PositiveIntegerField()
    hidden_size = models.PositiveIntegerField()
    context_length = models.PositiveIntegerField(validators=[MinValueValidator(2)])
    requirements = models.CharField(
        max_length=300, help_text="The hardware needed to serve it, in one line."
    )
    weights_licence = models.CharField(
        max_length=200, help_text="The licence under which its authors published the weights."
    )
    source_url = models.URLField(blank=True)
    training_co2e_tonnes = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0)],
        help_text="Its authors' figure for training emissions, in tonnes of CO2 equivalent.",
    )
    summary = models.TextField(blank=True)
    attribution = models.CharField(
        max_length=300, help_text="The credit line that is shown with every output."
    )
    notice = models.CharField(
        max_length=300, help_text="What outputs may be used for; shown with every output."
    )
    status = models.CharField(max_length=16, choices=ModelStatus.choices)
    deployment = models.CharField(
        max_length=50,
        blank=True,
        validators=[MODEL_NAME],
        help_text="Its name in models.toml; empty while it is not served here.",
    )
    tier = models.CharField(max_length=16, choices=Tier.choices)
    requires_referee = models.BooleanField(
        default=False, help_text="People who apply for it must name a referee."
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["release__position", "position", "slug"]
        constraints = [
            models.CheckConstraint(
                name="live_model_has_deployment",
                condition=models.Q(status=ModelStatus.NOT_LOADED) | ~models.Q(deployment=""),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        return self.status == ModelStatus.LIVE


class SampleRun(models.Model):
    """A run of a release's model that every visitor may read, as `sample_run.SampleReceipt`."""

    release = models.OneToOneField(Release, on_delete=models.CASCADE, related_name="sample_run")
    content = models.JSONField()

    def __str__(self) -> str:
        return f"Sample run of {self.release}"
