"""A person's projects: folders of runs, each with its own retention period."""

from __future__ import annotations

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from portal.lab.notebook.models import Project
from portal.platform.accounts.models import User
from portal.platform.core.errors import invalid_value


def list_projects(user: User) -> QuerySet[Project]:
    """By name, each with `runs`, the number of its documents."""
    return Project.objects.filter(user=user).annotate(runs=Count("nodes")).order_by("name")


def save_project(user: User, *, name: str, retention_days: int | None, pk: int | None) -> Project:
    """Make a project, or change the one with this number, and return it.

    Raises `DomainError` for a name that another project has, and for a retention period beyond
    the site's.
    """
    if retention_days is not None and retention_days > settings.PROMPT_RETENTION_DAYS:
        most = settings.PROMPT_RETENTION_DAYS
        raise invalid_value(
            f"This site keeps texts for at most {most} days. Choose fewer, or leave it empty.",
            field="retention_days",
        )
    project = Project.objects.filter(user=user, pk=pk).first() if pk else None
    project = project or Project(user=user, created_at=timezone.now())
    project.name, project.retention_days = name, retention_days
    try:
        with transaction.atomic():
            project.save()
    except IntegrityError:
        raise invalid_value("You have another project of this name.", field="name") from None
    return project


def delete_project(user: User, pk: int) -> bool:
    """Delete a project. Its runs remain, without one. False if there is none."""
    return bool(Project.objects.filter(user=user, pk=pk).delete()[0])
