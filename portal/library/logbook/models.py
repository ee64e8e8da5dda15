"""The logbook of a release's training. Rows come from its folder by `manage.py load_logbook`."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from portal.gate.catalog.models import HostedModel, Release
from portal.library.logbook.enums import Audience, Axis, EntryKind
from portal.library.logbook.points import BLOCK

SEARCH_CONFIG = "english"


class Run(models.Model):
    """A training run. A restart from an earlier step is a run with a parent."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="training_runs")
    model = models.ForeignKey(
        HostedModel, on_delete=models.PROTECT, null=True, related_name="training_runs"
    )
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    authors = models.JSONField(default=list)
    audience = models.CharField(max_length=16, choices=Audience.choices)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="continuations"
    )
    from_step = models.PositiveBigIntegerField(null=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=300, blank=True)
    version = models.CharField(max_length=64, help_text="SHA-256 of all files of the logbook.")
    metrics_sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["started_at", "pk"]
        constraints = [
            models.CheckConstraint(
                name="logbook_run_parent_has_step",
                condition=Q(parent=None, from_step=None)
                | Q(parent__isnull=False, from_step__isnull=False),
            ),
            models.CheckConstraint(
                name="logbook_run_not_its_own_parent",
                condition=Q(parent=None) | ~Q(parent=F("pk")),
            ),
            models.CheckConstraint(
                name="logbook_run_ends_after_start",
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("logbook:run", args=[self.slug])


class Entry(models.Model):
    """Something that happened in a run, in Markdown, with its source."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="entries")
    slug = models.SlugField(max_length=100)
    kind = models.CharField(max_length=16, choices=EntryKind.choices)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    at = models.DateTimeField()
    is_day = models.BooleanField(help_text="Only the day is known; `at` is its beginning.")
    step = models.PositiveBigIntegerField(null=True)
    step_to = models.PositiveBigIntegerField(null=True, help_text="The last step, for a range.")
    authors = models.JSONField(default=list)
    source = models.CharField(max_length=300, blank=True)
    source_url = models.URLField(max_length=500, blank=True)
    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config=SEARCH_CONFIG)
        + SearchVector("body", weight="B", config=SEARCH_CONFIG)
        + SearchVector("source", weight="C", config=SEARCH_CONFIG),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        ordering = ["at", "step", "slug"]
        constraints = [
            models.UniqueConstraint(fields=["run", "slug"], name="logbook_entry_once_per_run"),
            models.CheckConstraint(
                name="logbook_entry_range_rises",
                condition=Q(step_to=None) | Q(step__isnull=False, step_to__gte=F("step")),
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], name="logbook_entry_search"),
            models.Index(fields=["run", "at"], name="logbook_entry_by_time"),
            models.Index(fields=["run", "step"], name="logbook_entry_by_step"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("logbook:entry", args=[self.run.slug, self.slug])


class Series(models.Model):
    """One metric of a run."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="series")
    name = models.CharField(max_length=100)
    unit = models.CharField(max_length=50, blank=True)
    count = models.PositiveBigIntegerField(help_text="How many values it has.")
    has_tokens = models.BooleanField()
    has_time = models.BooleanField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name"], name="logbook_series_once_per_run"),
            models.CheckConstraint(name="logbook_series_has_values", condition=Q(count__gt=0)),
        ]

    def __str__(self) -> str:
        return self.name

    def has_axis(self, axis: Axis) -> bool:
        match axis:
            case Axis.STEP:
                return True
            case Axis.TOKENS:
                return self.has_tokens
            case Axis.TIME:
                return self.has_time


class Block(models.Model):
    """Consecutive values of a series, and their outline: the first, lowest, highest and last.

    `points` defines the bytes. Tokens, and time in microseconds since 1970, are 0 if the series
    does not have them.
    """

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="blocks")
    number = models.PositiveIntegerField()
    count = models.PositiveSmallIntegerField()
    first_step = models.PositiveBigIntegerField()
    last_step = models.PositiveBigIntegerField()
    first_tokens = models.PositiveBigIntegerField()
    last_tokens = models.PositiveBigIntegerField()
    first_time = models.BigIntegerField()
    last_time = models.BigIntegerField()
    outline = models.BinaryField()
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "number"], name="logbook_block_once"),
            models.CheckConstraint(
                name="logbook_block_size", condition=Q(count__gte=1, count__lte=BLOCK)
            ),
            models.CheckConstraint(
                name="logbook_block_rises",
                condition=Q(last_step__gte=F("first_step"))
                & Q(last_tokens__gte=F("first_tokens"))
                & Q(last_time__gte=F("first_time")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.number}"
