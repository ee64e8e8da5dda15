"""Projects: their names, whose they are, and how long they keep texts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.desk.privacy.domain.erasure import erase_person
from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.domain.erasure import erase_by_project
from portal.lab.notebook.domain.projects import delete_project, list_projects, save_project
from portal.lab.notebook.domain.records import find_node, note
from portal.lab.notebook.models import Node, Project
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def make_project(user: User, name: str = "Kings", *, days: int | None = None) -> Project:
    return save_project(user, name=name, retention_days=days, pk=None)


def test_two_projects_of_a_person_have_different_names(user: User) -> None:
    make_project(user)
    other = make_project(user, "Queens")
    make_project(UserFactory.create())

    with pytest.raises(DomainError) as refusal:
        save_project(user, name="Kings", retention_days=None, pk=other.pk)

    assert refusal.value.field == "name"
    assert [project.name for project in list_projects(user)] == ["Kings", "Queens"]


def test_a_project_keeps_texts_no_longer_than_the_site(user: User, settings: Settings) -> None:
    settings.PROMPT_RETENTION_DAYS = 30
    make_project(user, days=30)

    with pytest.raises(DomainError) as refusal:
        make_project(user, "Queens", days=31)

    assert (refusal.value.field, refusal.value.message) == (
        "retention_days",
        "This site keeps texts for at most 30 days. Choose fewer, or leave it empty.",
    )


def test_the_project_of_another_is_not_changed(user: User) -> None:
    theirs = make_project(UserFactory.create())

    mine = save_project(user, name="Mine", retention_days=None, pk=theirs.pk)

    theirs.refresh_from_db()
    assert (theirs.name, mine.pk == theirs.pk) == ("Kings", False)
    assert delete_project(user, theirs.pk) is False


def test_runs_outlive_their_project(user: User) -> None:
    project = make_project(user)
    job = GenerationJobFactory.create(user=user, succeeded=True)
    note(job, name="one", is_starred=True, project=project)

    assert delete_project(user, project.pk) is True

    node = find_node(job)
    assert (node.name, node.is_starred, node.project) == ("one", True, None)


def test_runs_are_erased_after_the_days_of_their_project(user: User) -> None:
    now = timezone.now()
    kept = make_project(user, "Site's")
    short = make_project(user, "Short", days=7)
    runs = {}
    for name, project, days in [
        ("old", short, 8),
        ("young", short, 6),
        ("as the site", kept, 8),
        ("under way", short, 8),
    ]:
        is_active = name == "under way"
        job = GenerationJobFactory.create(
            user=user,
            created_at=now - timedelta(days=days),
            succeeded=not is_active,
            running=is_active,
        )
        note(job, name=name, is_starred=False, project=project)
        runs[name] = job

    assert erase_by_project(at=now) == 1
    assert erase_by_project(at=now) == 0

    assert GenerationJob.objects.get(erased_at__isnull=False) == runs["old"]
    assert set(Node.objects.values_list("name", flat=True)) == {
        "",
        "young",
        "as the site",
        "under way",
    }


def test_imported_documents_are_erased_with_their_project_or_the_site(
    user: User, settings: Settings
) -> None:
    settings.PROMPT_RETENTION_DAYS = 30
    now = timezone.now()
    short = make_project(user, days=7)
    for text, project, days in [
        ("old", short, 8),
        ("young", short, 6),
        ("kept", None, 29),
        ("gone", None, 31),
    ]:
        node = Node(user=user, text=text, project=project, created_at=now - timedelta(days=days))
        node.tree = node.pk
        node.save()

    erase_by_project(at=now)

    assert list(Node.objects.values_list("text", flat=True)) == ["", "kept", "", "young"]


@pytest.mark.django_db(transaction=True)
def test_an_erased_person_leaves_no_notes(user: User) -> None:
    job = GenerationJobFactory.create(user=user, succeeded=True)
    note(job, name="a quotation", is_starred=True, project=make_project(user))

    erase_person(user, actor=None)

    assert not Node.objects.exists()
    assert not Project.objects.exists()
