"""A query that is put together once answers as the queryset does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db.models import QuerySet
from pytest_django import DjangoAssertNumQueries

from portal.accounts.models import User
from portal.core.compiled import CompiledQuery
from tests.factories.accounts import UserFactory

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
