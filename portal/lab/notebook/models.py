"""What a person adds to their runs: names, stars, projects, and how one run came from another."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

from portal.lab.jobs.models import GenerationJob

NAME_LENGTH = 120


class Project(models.Model):
    """A person's folder of runs. It may keep their texts for less time than the site does."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="projects"
    )
    name = models.CharField(max_length=NAME_LENGTH)
    retention_days = models.PositiveSmallIntegerField(
        null=True,
        validators=[MinValueValidator(1)],
        help_text="Days until its runs are erased; empty for as long as the site keeps them.",
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="one_project_per_name"),
            models.CheckConstraint(
                condition=models.Q(retention_days=None) | models.Q(retention_days__gt=0),
                name="project_keeps_for_a_day",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Node(models.Model):
    """A document in a tree of documents: that of a run, or a text that was imported.

    A run's node has the run's id.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="nodes"
    )
    job = models.OneToOneField(
        GenerationJob, on_delete=models.PROTECT, null=True, related_name="node"
    )
    tree = models.UUIDField(help_text="The id of the tree's first node.")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    is_starred = models.BooleanField(default=False)
    project = models.ForeignKey(Project, on_delete=models.SET_NULL, null=True, related_name="nodes")
    text = models.TextField(blank=True, help_text="The text of an imported document.")
    params = models.JSONField(null=True, help_text="Its contract.SamplingParams, if it named any.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["tree"])]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(job=None) | models.Q(text="", params=None),
                name="node_of_a_run_has_no_other_text",
            ),
            models.CheckConstraint(
                condition=models.Q(job=None) | models.Q(job=models.F("id")),
                name="node_has_the_id_of_its_run",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
