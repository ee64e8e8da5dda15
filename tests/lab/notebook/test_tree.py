"""Where a run belongs in the tree of documents, how the tree is shown, and pruned."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from portal.lab.jobs.domain.stopping import erase_job
from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.domain.placing import keep_node, place_runs
from portal.lab.notebook.domain.records import find_node, note
from portal.lab.notebook.domain.tree import list_tree, prune
from portal.lab.notebook.models import Node, Project
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return UserFactory.create()


def run(
    user: User, prompt: str, text: str, source: GenerationJob | None = None, **traits: Any
) -> GenerationJob:
    """A run that was made from the document of another."""
    traits = {"succeeded": True, **traits}
    job = GenerationJobFactory.create(user=user, prompt=prompt, text=text, **traits)
    place_runs([job], source=source.pk if source else None)
    return job


def parent_of(job: GenerationJob) -> UUID | None:
    return Node.objects.get(job=job).parent_id


def shape(job: GenerationJob) -> list[tuple[int, str, str, str]]:
    rows = list_tree(find_node(job))
    return [(row.depth, row.begins, row.tail, row.completion) for row in rows]


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("Once a king lived", "last"),
        ("Once a king lived here", "last"),
        ("Once a king l", "last"),
        # Of the last completion nothing is kept, of the first one a part.
        ("Once a king", "first"),
        ("Once a king ruled", "first"),
        ("Once a queen", "first"),
        # Only the first prompt is kept, as it was or changed.
        ("Once", None),
        ("Once upon", None),
        ("On", None),
    ],
)
def test_a_run_continues_the_nearest_document_of_whose_completion_it_keeps_a_part(
    user: User, prompt: str, place: str | None
) -> None:
    first = run(user, "Once", " a king")
    last = run(user, "Once a king", " lived", first)

    new = run(user, prompt, " and", last)

    assert parent_of(new) == {"first": first.pk, "last": last.pk, None: None}[place]
    assert Node.objects.get(job=new).tree == first.pk


def test_a_text_that_shares_nothing_with_its_source_begins_a_tree(user: User) -> None:
    first = run(user, "Once", " a king")

    new = run(user, "Twice", " a queen", first)

    assert find_node(new).tree == new.pk
    assert list_tree(find_node(new)) == []


def test_nobody_continues_the_document_of_another(user: User) -> None:
    theirs = run(UserFactory.create(), "Once", " a king")

    mine = run(user, "Once a king", " lived", theirs)
    lost = GenerationJobFactory.create(user=user, prompt="Once")
    place_runs([lost], source=uuid4())

    assert not Node.objects.filter(job__in=[theirs, mine, lost]).exists()


def test_samples_of_a_prompt_stand_beside_each_other(user: User) -> None:
    first = run(user, "Once", " a king")
    samples = GenerationJobFactory.create_batch(2, user=user, prompt="Once a king", succeeded=True)

    place_runs(samples, source=first.pk)

    assert [parent_of(job) for job in samples] == [first.pk, first.pk]


def test_samples_without_a_source_are_one_tree(user: User) -> None:
    samples = GenerationJobFactory.create_batch(2, user=user, prompt="Once", succeeded=True)

    place_runs(samples, source=None)

    assert {Node.objects.get(job=job).tree for job in samples} == {samples[0].pk}


def test_the_tree_is_indented_where_it_branches_only(user: User) -> None:
    root = run(user, "Once", " a king")
    one = run(user, "Once a king", " lived", root)
    run(user, "Once a king lived", " long", one)
    run(user, "Once a queen", " lived", root)

    assert shape(one) == [
        (0, "Once", "", " a king"),
        (1, "", "", " lived"),
        (1, "", "", " long"),
        (1, "", "Once a queen", " lived"),
    ]


def test_a_deleted_run_keeps_its_place_but_not_its_name(user: User) -> None:
    root = run(user, "Once", " a king")
    middle = run(user, "Once a king", " lived", root)
    last = run(user, "Once a king lived", " long", middle)
    note(middle, name="a king lived", is_starred=True, project=None)

    erase_job(middle, actor=user)

    rows = list_tree(find_node(last))
    assert [row.node.pk for row in rows] == [root.pk, middle.pk, last.pk]
    assert (rows[1].node.name, rows[1].completion) == ("", "")


def test_pruning_erases_a_run_and_all_that_continue_it(user: User) -> None:
    root = run(user, "Once", " a king")
    middle = run(user, "Once a king", " lived", root)
    last = run(user, "Once a king lived", " long", middle)
    other = run(user, "Once a king", " died", root)

    assert prune(find_node(middle), actor=user) == 2

    erased = GenerationJob.objects.filter(erased_at__isnull=False)
    assert set(erased) == {middle, last}
    assert set(Node.objects.values_list("job", flat=True)) == {root.pk, other.pk}


def test_what_a_pruned_run_is_continued_by_later_is_a_tree_of_its_own(user: User) -> None:
    root = run(user, "Once", " a king")
    prune(keep_node(root), actor=user)

    new = run(user, "Once a king", " lived", root)

    assert find_node(new).tree == new.pk


@pytest.mark.parametrize("runs", [2, 5])
def test_a_tree_takes_one_query_whatever_its_size(
    user: User, runs: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    root = run(user, "Once", " a king")
    for _ in range(runs):
        run(user, "Once a king", " lived", root)
    node = find_node(root)

    with django_assert_num_queries(1):
        rows = list_tree(node)
        assert all(row.node.job and row.node.job.model.name for row in rows)

    assert len(rows) == runs + 1


def test_a_continuation_belongs_to_the_project_of_its_tree(user: User) -> None:
    project = Project.objects.create(user=user, name="Kings", created_at=user.date_joined)
    root = run(user, "Once", " a king")
    note(root, name="", is_starred=False, project=project)

    new = run(user, "Once a king", " lived", root)

    assert find_node(new).project == project
