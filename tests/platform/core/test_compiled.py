"""A query that is compiled once returns the same as the queryset."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.core.batching import Batching
from portal.platform.core.compiled import CompiledModels, CompiledQuery
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def joined_before(user: int, email: str, at: datetime) -> QuerySet[User, tuple[int, str]]:
    return User.objects.filter(
        pk=user, email__iexact=email, date_joined__lt=at, is_active=True
    ).values_list("pk", "email")


@pytest.mark.django_db
def test_the_rows_are_those_of_the_values_it_is_asked_with(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    query = CompiledQuery(joined_before, user=int, email=str, at=datetime)
    ada, bob = (
        UserFactory.create(email=name, date_joined=NOON) for name in ("ada@x.org", "bob@x.org")
    )
    later = NOON.replace(hour=13)

    with django_assert_num_queries(4):
        assert query.rows(user=ada.pk, email="ADA@x.org", at=later) == [(ada.pk, "ada@x.org")]
        assert query.rows(user=bob.pk, email="bob@x.org", at=later) == [(bob.pk, "bob@x.org")]
        assert query.rows(user=bob.pk, email="ada@x.org", at=later) == []
        assert query.rows(user=bob.pk, email="bob@x.org", at=NOON) == []


@pytest.mark.django_db
def test_a_value_that_the_query_changes_is_named() -> None:
    query = CompiledQuery(
        lambda email: User.objects.filter(email__contains=email).values_list("pk"), email=str
    )

    with pytest.raises(ValueError, match="the query does not use email unchanged"):
        query.rows(email="ada@x.org")


@pytest.mark.django_db
def test_models_are_those_of_the_queryset_with_what_belongs_to_them(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    models = CompiledModels(
        lambda slug: (
            HostedModel.objects.filter(slug=slug)
            .select_related("release__licence")
            .annotate(doubled=F("layers") * 2)
        ),
        slug=str,
    )
    made = [HostedModelFactory.create() for _ in range(2)]

    for model in made:
        with django_assert_num_queries(1):
            (found,) = models.find(slug=model.slug)
            assert found.release.licence == model.release.licence
        assert {**vars(found), "_state": 0} == {
            **vars(HostedModel.objects.annotate(doubled=F("layers") * 2).get(pk=model.pk)),
            "_state": 0,
        }
    assert models.find(slug="nobody") == []


@pytest.mark.django_db(transaction=True)
def test_every_thread_asks_on_its_own_connection() -> None:
    users = CompiledModels(lambda user: User.objects.filter(pk=user), user=int)
    ada = UserFactory.create()

    def find(_: int) -> list[User]:
        try:
            return users.find(user=ada.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(find, range(20))) == [[ada]] * 20


def ask_together(
    batching: Batching[Any, Any],
    ask: Callable[..., Any],
    questions: Sequence[Mapping[str, object]],
) -> tuple[list[Any], list[str]]:
    """The results of simultaneous calls in separate threads, and the queries."""

    def call(values: Mapping[str, object]) -> tuple[Any, list[str]]:
        try:
            with CaptureQueriesContext(connection) as captured:
                answer = ask(**values)
            return answer, [query["sql"] for query in captured]
        finally:
            connection.close()

    with ThreadPoolExecutor(len(questions)) as pool:
        with batching._turn:
            answers = []
            for values in questions:
                answers.append(pool.submit(call, values))
                while len(batching._waiting) < len(answers):
                    threading.Event().wait(0.001)
        done = [answer.result() for answer in answers]
    return [answer for answer, _ in done], [sql for _, queries in done for sql in queries]


@pytest.mark.django_db(transaction=True)
def test_what_is_asked_at_the_same_time_is_one_query() -> None:
    query = CompiledQuery(
        lambda domain, at, most: (
            User.objects.filter(email__iendswith="%.org", date_joined__lt=at)
            .filter(pk__lte=most, name=domain)
            .order_by("-date_joined")
            .values_list("pk", "email", F("pk"))
        ),
        domain=str,
        at=datetime,
        most=int,
    )
    users = [
        UserFactory.create(name="x", email=f"{hour}@%.org", date_joined=NOON.replace(hour=hour))
        for hour in (7, 9, 8)
    ]
    early, late, middle = ((user.pk, user.email, user.pk) for user in users)
    everybody = {"domain": "x", "at": NOON, "most": 10**9}

    answers, queries = ask_together(
        query._together,
        query.rows,
        [
            everybody,
            {**everybody, "domain": "y"},
            {**everybody, "at": NOON.replace(hour=9)},
            {**everybody, "most": users[0].pk},
            everybody,
        ],
    )

    assert answers == [
        [late, middle, early], [], [middle, early], [early], [late, middle, early],
    ]  # fmt: skip
    assert len(queries) == 1


@pytest.mark.django_db(transaction=True)
def test_models_that_are_asked_for_at_the_same_time_are_one_query() -> None:
    models = CompiledModels(
        lambda slug: HostedModel.objects.filter(slug=slug).select_related("release__licence"),
        slug=str,
    )
    one, two = (HostedModelFactory.create() for _ in range(2))
    slugs = [one.slug, "nobody", two.slug, one.slug]

    answers, queries = ask_together(
        models._together, models.find, [{"slug": slug} for slug in slugs]
    )

    assert answers == [[one], [], [two], [one]]
    assert answers[0][0] is not answers[3][0]
    assert [found.release.licence for (found,) in (answers[0], answers[2])] == [
        one.release.licence, two.release.licence,
    ]  # fmt: skip
    assert len(queries) == 1
    assert models.find(slug=two.slug) == [two]


@pytest.mark.django_db(transaction=True)
def test_within_a_transaction_one_sees_what_it_did() -> None:
    users = CompiledModels(lambda user: User.objects.filter(pk=user), user=int)
    names = CompiledQuery(lambda user: User.objects.filter(pk=user).values_list("email"), user=int)

    with users._together._turn, names._together._turn, transaction.atomic():
        ada = UserFactory.create()
        assert users.find(user=ada.pk) == [ada]
        assert names.rows(user=ada.pk) == [(ada.email,)]
