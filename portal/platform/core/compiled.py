"""Queries of the busiest paths, compiled once: the ORM takes longer to write them than the database
to answer them. Requests that arrive at the same moment share one query.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final, Generic, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

from portal.platform.core.batching import Batching
from portal.platform.core.statement import Statement, Values, give_examples

M = TypeVar("M", bound=Model)
T = TypeVar("T")
Row = tuple[Any, ...]

TOGETHER: Final = 64
"""The most questions in one query."""
DATABASE_AWAY: Final = (OperationalError, InterfaceError)
"""If each were asked again alone, all would wait for the time-outs of all."""


class CompiledQuery:
    """A queryset of plain columns, as a function of its values.

    `build` makes a `values_list` queryset from keyword arguments, whose types are given
    (int, str or datetime). It must use each value as it is, in exact comparisons.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], **types: type) -> None:
        self._build = build
        self._types = types
        self._together = Batching(self._answer_all, at_most=TOGETHER, shared=DATABASE_AWAY)

    def rows(self, **values: object) -> list[Row]:
        """The rows as the database returns them: no field converts them."""
        # Inside a transaction, only its own connection sees its changes.
        return self._answer(values) if connection.in_atomic_block else self._together.ask(values)

    def _answer_all(self, asked: Sequence[Values]) -> list[list[Row]]:
        if len(asked) == 1:
            return [self._answer(asked[0])]
        rows = _execute(*self._statement.ask_together(asked))
        return _sort(((row[:-1], row[-1]) for row in rows), count=len(asked))

    def _answer(self, values: Values) -> list[Row]:
        return _execute(*self._statement.ask(values))

    @cached_property
    def _statement(self) -> Statement:
        examples = give_examples(self._types)
        return Statement(*self._build(**examples).query.sql_with_params(), examples)


class CompiledModels(Generic[M]):
    """A queryset of whole models, as a function of its values; otherwise like `CompiledQuery`."""

    def __init__(self, build: Callable[..., QuerySet[M]], **types: type) -> None:
        self._build = build
        self._types = types
        self._together = Batching(self._answer_all, at_most=TOGETHER, shared=DATABASE_AWAY)
        self._thread = threading.local()

    def find(self, **values: object) -> list[M]:
        """The models that the queryset returns."""
        return self._answer(values) if connection.in_atomic_block else self._together.ask(values)

    def _answer_all(self, asked: Sequence[Values]) -> list[list[M]]:
        if len(asked) == 1:
            return [self._answer(asked[0])]
        queryset, compiler, statement = self._prepared()
        compiler.as_sql = lambda *_, **__: statement.ask_together(asked)
        read: Callable[..., Iterable[Row]] = type(compiler).results_iter
        places: list[int] = []

        def note_places(*args: Any, **kwargs: Any) -> Iterator[Row]:
            for row in read(compiler, *args, **kwargs):
                places.append(row[-1])
                yield row

        compiler.results_iter = note_places
        models: list[M] = list(ModelIterable(queryset))
        return _sort(zip(models, places, strict=True), count=len(asked))

    def _answer(self, values: Values) -> list[M]:
        queryset, compiler, statement = self._prepared()
        compiler.as_sql = lambda *_, **__: statement.ask(values)
        compiler.__dict__.pop("results_iter", None)
        return list(ModelIterable(queryset))

    def _prepared(self) -> Any:  # noqa: ANN401 -- parts of Django without a public type
        """A queryset whose compiler is kept. A compiler holds the connection of its thread."""
        kept = getattr(self._thread, "kept", None)
        if kept is None or kept[1].connection is not connections[DEFAULT_DB_ALIAS]:
            examples = give_examples(self._types)
            queryset = self._build(**examples)
            compiler = queryset.query.get_compiler(using=DEFAULT_DB_ALIAS)
            sql, parameters = compiler.as_sql()
            statement = Statement(sql, parameters, examples)
            queryset.query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
            kept = self._thread.kept = queryset, compiler, statement
        return kept


def _execute(sql: str, parameters: Sequence[object]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, cast("list[Any]", parameters))
        return list(cursor.fetchall())


def _sort(found: Iterable[tuple[T, int]], *, count: int) -> list[list[T]]:
    """The results of each question; the questions count from one."""
    answers: list[list[T]] = [[] for _ in range(count)]
    for each, place in found:
        answers[place - 1].append(each)
    return answers
