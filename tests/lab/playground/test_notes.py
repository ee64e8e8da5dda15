"""Names, stars, projects and the tree on the pages."""

from __future__ import annotations

import pytest

from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.domain.records import find_node, note
from portal.lab.notebook.models import Node, Project
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory
from tests.lab.playground.conftest import Desk

PROJECTS = "/playground/projects/"


def url(job: GenerationJob, action: str = "") -> str:
    return f"/playground/runs/{job.pk}/{action}"


def make(desk: Desk, prompt: str = "Once", text: str = " a king") -> GenerationJob:
    return GenerationJobFactory.create(
        user=desk.user, model=desk.model, prompt=prompt, text=text, succeeded=True
    )


def test_a_run_gets_a_name_a_star_and_a_project(desk: Desk) -> None:
    job = make(desk)
    desk.client.post(PROJECTS, {"name": "Kings", "retention_days": "7"})
    project = Project.objects.get()

    response = desk.client.post(
        url(job, "notes/"), {"name": "The king", "is_starred": "on", "project": project.pk}
    )

    assert response.headers["Location"] == url(job)
    node = find_node(job)
    assert (node.name, node.is_starred, node.project) == ("The king", True, project)
    page = desk.client.get(url(job))
    form = page.context["notes"].form
    assert form.initial == {"name": "The king", "is_starred": True, "project": project.pk}


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        (
            {"name": "x" * 121},
            {"name": ["Ensure this value has at most 120 characters (it has 121)."]},
        ),
        ({"name": "a\0"}, {"name": ["The name contains a character that is not text."]}),
        ({"project": "17"}, {"project": ["Choose one of your projects."]}),
    ],
)
def test_a_wrong_note_is_named_beside_its_field_and_kept(
    desk: Desk, fields: dict[str, str], errors: dict[str, list[str]]
) -> None:
    job = make(desk)
    theirs = Project.objects.create(
        user=UserFactory.create(), name="Theirs", created_at=job.created_at
    )
    fields = {key: str(theirs.pk) if value == "17" else value for key, value in fields.items()}

    response = desk.client.post(url(job, "notes/"), fields)

    assert response.status_code == 422
    assert response.context["notes"].form.errors == errors
    assert not Node.objects.exists()


def test_the_history_finds_names_stars_and_projects(desk: Desk) -> None:
    make(desk, "plain", "")
    starred, named = make(desk, "starred", ""), make(desk, "named", "")
    project = Project.objects.create(user=desk.user, name="Kings", created_at=desk.user.date_joined)
    note(starred, name="", is_starred=True, project=None)
    note(named, name="A King", is_starred=False, project=project)

    def found(**fields: str) -> list[str]:
        response = desk.client.post("/playground/history/", fields)
        return [row.excerpt for row in response.context["runs"]]

    assert found(words="a king") == ["named"]
    assert found(is_starred="on") == ["starred"]
    assert found(project=str(project.pk)) == ["named"]
    assert found(project=str(project.pk), is_starred="on") == []


def test_what_is_run_from_a_run_is_shown_in_its_tree(desk: Desk) -> None:
    source = make(desk)

    response = desk.client.post(
        "/playground/runs/", desk.fields(prompt="Once a king", source=str(source.pk))
    )

    page = desk.client.get(response.headers["Location"])
    rows = page.context["notes"].branches
    assert [(row.node.pk, row.begins, row.completion) for row in rows] == [
        (source.pk, "Once", " a king"),
        (page.context["view"].job.pk, "", ""),
    ]


@pytest.mark.parametrize("source", ["", "nothing", "0" * 32])
def test_a_document_of_an_unknown_source_is_run_as_any(desk: Desk, source: str) -> None:
    response = desk.client.post("/playground/runs/", desk.fields(source=source))

    assert response.status_code == 302
    assert not Node.objects.exists()


def test_the_part_of_the_page_is_the_same_alone(desk: Desk) -> None:
    job = make(desk)

    part = desk.client.get(url(job, "notes/"), {"part": "1"}).content.decode()

    assert part.lstrip().startswith('<section class="run-notes"')
    assert "<html" not in part


@pytest.mark.django_db(transaction=True)
def test_pruning_leads_to_the_history(desk: Desk) -> None:
    job = make(desk)

    response = desk.client.post(url(job, "prune/"), follow=True)

    assert response.redirect_chain == [("/playground/history/", 302)]
    assert [str(message) for message in response.context["messages"]] == ["1 run deleted."]


def test_projects_are_changed_and_deleted(desk: Desk) -> None:
    desk.client.post(PROJECTS, {"name": "Kings"})
    project = Project.objects.get()

    desk.client.post(PROJECTS, {"name": "Queens", "retention_days": "9", "pk": project.pk})
    project.refresh_from_db()
    assert (project.name, project.retention_days) == ("Queens", 9)

    desk.client.post(f"{PROJECTS}{project.pk}/delete/")
    assert not Project.objects.exists()


def test_a_refused_project_keeps_what_was_typed(desk: Desk) -> None:
    response = desk.client.post(PROJECTS, {"name": "Kings", "retention_days": "181"})

    assert response.status_code == 422
    form = response.context["form"]
    assert (form["name"].value(), form["retention_days"].value()) == ("Kings", "181")
    assert list(form.errors) == ["retention_days"]


@pytest.mark.parametrize(
    ("method", "action"), [("get", "notes/"), ("post", "notes/"), ("post", "prune/")]
)
def test_others_notes_do_not_exist(desk: Desk, method: str, action: str) -> None:
    theirs = GenerationJobFactory.create(succeeded=True)

    assert getattr(desk.client, method)(url(theirs, action)).status_code == 404
    assert desk.client.post(f"{PROJECTS}1/delete/").status_code == 404
