"""Documents from a file: what comes along, and what is refused."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from inference_workers.contract import SamplingParams
from portal.lab.jobs.domain.receipts import write_receipt
from portal.lab.notebook.domain.imports import find_imported
from portal.lab.notebook.models import Node, Project
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory
from tests.lab.playground.conftest import Desk

IMPORTS = "/playground/imports/"


def bring(desk: Desk, content: str | bytes) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    return desk.client.post(IMPORTS, {"file": SimpleUploadedFile("runs.jsonl", raw)})


def refusal(desk: Desk, content: str | bytes) -> list[str]:
    response = bring(desk, content)
    assert response.status_code == 422
    assert not Node.objects.exists()
    errors: list[str] = response.context["form"].errors["file"]
    return errors


def make_imported(user: User) -> Node:
    job = GenerationJobFactory.create()
    node = Node(user=user, text="A text", created_at=job.created_at)
    node.tree = node.pk
    node.save()
    return node


def test_an_exported_run_comes_back_with_its_notes(desk: Desk) -> None:
    params = SamplingParams(max_tokens=3, temperature=0.25).model_dump(mode="json")
    job = GenerationJobFactory.create(prompt="Once", text=" a king", params=params, succeeded=True)
    notes = {"name": "King", "is_starred": True, "project": "Kings", "parent": None}

    response = bring(desk, json.dumps({**write_receipt(job), "notes": notes}))

    assert response.headers["Location"] == IMPORTS
    node = Node.objects.get()
    assert (node.text, node.params, node.name) == ("Once a king", params, "King")
    assert (node.is_starred, node.project) == (True, Project.objects.get(name="Kings"))
    form = desk.client.get(f"/playground/?from={node.pk}").context["form"]
    assert (form["prompt"].value(), form["temperature"].value()) == ("Once a king", 0.25)
    assert form["source"].value() == node.pk


def test_a_tree_comes_back_as_a_tree(desk: Desk) -> None:
    lines = [
        {"id": "a", "text": "Once"},
        {"id": "b", "text": "Once a", "notes": {"parent": "a"}},
        # The file has no such document before this line.
        {"id": "c", "text": "Once b", "notes": {"parent": "d"}},
        {"id": "d", "text": "Once c", "notes": {"parent": "b"}},
    ]

    bring(desk, "\n".join(map(json.dumps, lines)))

    nodes = {node.text: node for node in Node.objects.all()}
    parents = {text: node.parent and node.parent.text for text, node in nodes.items()}
    assert parents == {"Once": None, "Once a": "Once", "Once b": None, "Once c": "Once a"}
    assert len({node.tree for node in nodes.values()}) == 2


def test_a_run_of_an_imported_document_continues_it(desk: Desk) -> None:
    bring(desk, '{"text": "Once"}')
    node = Node.objects.get()

    desk.client.post("/playground/runs/", desk.fields(prompt="Once upon", source=str(node.pk)))

    assert Node.objects.get(parent=node).tree == node.tree


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n \n", "The file has no documents."),
        ("{", "Line 1 is not valid JSON: Expecting property name enclosed in double quotes."),
        (b'{"text": "\xff"}', "Line 1 is not valid JSON: it is not UTF-8."),
        ('{"text": "a"}\n[1]', "Line 2 is not a JSON object."),
        ("{}", "Line 1: it has neither prompt nor text."),
        ('{"text": 1}', "Line 1: text must be a string."),
        (
            r'{"text": "\u0000"}',
            "Line 1: text has a NUL character (U+0000), which cannot be stored; remove it.",
        ),
        (
            r'{"text": "\ud800"}',
            "Line 1: text has half of a surrogate pair, which is not a character; remove it.",
        ),
        ('{"text": ' + "[" * 100_000, "Line 1 is not valid JSON: Expecting value."),
        (
            '{"text": "a", "sampling": {"max_tokens": 1, "top_p": 2}}',
            "Line 1: sampling.top_p must be at most 1.",
        ),
        (
            '{"text": "a", "notes": {"name": "' + "x" * 121 + '"}}',
            "Line 1: notes.name may have at most 120 characters.",
        ),
        (
            '{"text": "' + "x" * 1_000_001 + '"}',
            "Line 1: text may have at most 1,000,000 characters.",
        ),
        (
            '{"text": "a"}\n' * 1001,
            "The file has 1,001 documents; at most 1,000 are imported at once. Split it.",
        ),
    ],
)
def test_a_wrong_file_is_refused_as_a_whole_by_its_line(
    desk: Desk, content: str | bytes, message: str
) -> None:
    assert refusal(desk, content) == [message]


def test_without_a_file_the_page_asks_for_one(desk: Desk) -> None:
    response = desk.client.post(IMPORTS, {})

    assert response.context["form"].errors == {"file": ["Choose a file."]}


def test_what_is_imported_is_text_on_the_page(desk: Desk) -> None:
    hostile = "<script>alert(1)</script>\x1b[31m\u202e\u200d"
    bring(desk, json.dumps({"text": hostile, "notes": {"name": "<b>"}}))

    page = desk.client.get(IMPORTS).content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;" in page
    assert "<script>alert" not in page


def test_documents_are_their_owners(desk: Desk) -> None:
    theirs = make_imported(UserFactory.create())

    assert find_imported(desk.user, theirs.pk) is None
    assert desk.client.post(f"{IMPORTS}{theirs.pk}/delete/").status_code == 404
    page = desk.client.get(f"/playground/?from={theirs.pk}")
    assert page.context["form"]["prompt"].value() is None
    assert list(desk.client.get(IMPORTS).context["page"]) == []


def test_a_deleted_document_is_gone_but_not_what_continues_it(desk: Desk) -> None:
    node = make_imported(desk.user)
    desk.client.post("/playground/runs/", desk.fields(prompt="A text on", source=str(node.pk)))

    desk.client.post(f"{IMPORTS}{node.pk}/delete/")

    assert find_imported(desk.user, node.pk) is None
    assert UUID(str(Node.objects.exclude(job=None).get().parent_id)) == node.pk
