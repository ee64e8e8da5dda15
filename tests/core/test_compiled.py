"""A query that is put together once answers as the queryset does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.models import F, QuerySet
from pytest_django import DjangoAssertNumQueries

from portal.accounts.models import User
from portal.catalog.models import HostedModel
from portal.core.compiled import CompiledModels, CompiledQuery
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
    ada, bob = (UserFactory(email=name, date_joined=NOON) for name in ("ada@x.org", "bob@x.org"))
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

    with pytest.raises(ValueError, match="the query does not use email as it is"):
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
    made = [HostedModelFactory() for _ in range(2)]

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
    ada = UserFactory()

    def find(_: int) -> list[User]:
        try:
            return users.find(user=ada.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(find, range(20))) == [[ada]] * 20
