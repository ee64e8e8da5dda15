"""Queries of the busiest paths, put together once: the ORM takes longer to write them than the
database to answer them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, Generic, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

M = TypeVar("M", bound=Model)
Reader = Callable[[Mapping[str, object]], object]

_EXAMPLES: Final[Mapping[type, Callable[[int], object]]] = {
    int: lambda place: 2**62 + place,
    str: lambda place: f"\N{OBJECT REPLACEMENT CHARACTER}{place}",
    datetime: lambda place: datetime(1, 1, 1, microsecond=place, tzinfo=UTC),
}
"""Values that no query holds by itself, so that each is found again among the parameters."""


class CompiledQuery:
    """A queryset of plain columns, as a function of its values.

    `build` makes a `values_list` queryset from keyword arguments, whose types are given
    (int, str or datetime). It must use each value as it is, in exact comparisons.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], **types: type) -> None:
        self._build = build
        self._types = types

    def rows(self, **values: object) -> list[tuple[Any, ...]]:
        """The rows as the database gives them: no field converts them."""
        sql, parameters = self._compiled
        with connection.cursor() as cursor:
            cursor.execute(sql, [cast("Any", read(values)) for read in parameters])
            return list(cursor.fetchall())

    @cached_property
    def _compiled(self) -> tuple[str, list[Reader]]:
        examples = _examples(self._types)
        sql, parameters = self._build(**examples).query.sql_with_params()
        return sql, _readers(parameters, examples)


class CompiledModels(Generic[M]):
    """A queryset of whole models, as a function of its values; as `CompiledQuery` otherwise."""

    def __init__(self, build: Callable[..., QuerySet[M]], **types: type) -> None:
        self._build = build
        self._types = types
        self._thread = threading.local()

    def find(self, **values: object) -> list[M]:
        """The models as the queryset gives them."""
        queryset, compiler, sql, readers = self._prepared()
        compiler.as_sql = lambda *_, **__: (sql, [read(values) for read in readers])
        return list(ModelIterable(queryset))

    def _prepared(self) -> Any:  # noqa: ANN401 -- Django's own parts, of no public type
        """A queryset whose compiler is kept. Compilers have the thread's own connection."""
        kept = getattr(self._thread, "kept", None)
        if kept is None or kept[1].connection is not connections[DEFAULT_DB_ALIAS]:
            examples = _examples(self._types)
            queryset = self._build(**examples)
            compiler = queryset.query.get_compiler(using=DEFAULT_DB_ALIAS)
            sql, parameters = compiler.as_sql()
            queryset.query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
            kept = self._thread.kept = queryset, compiler, sql, _readers(parameters, examples)
        return kept


def _examples(types: Mapping[str, type]) -> dict[str, object]:
    return {name: _EXAMPLES[kind](place) for place, (name, kind) in enumerate(types.items())}


def _readers(parameters: Iterable[object], examples: Mapping[str, object]) -> list[Reader]:
    """How to read each of the query's parameters from the values it is asked with."""
    found = [(parameter, _find(parameter, examples)) for parameter in parameters]
    if missing := examples.keys() - {name for _, name in found}:
        raise ValueError(f"the query does not use {', '.join(sorted(missing))} as it is")
    return [_constant(parameter) if name is None else _named(name) for parameter, name in found]


def _find(parameter: object, examples: Mapping[str, object]) -> str | None:
    for name, example in examples.items():
        if type(parameter) is type(example) and parameter == example:
            return name
    return None


def _named(name: str) -> Reader:
    return lambda values: values[name]


def _constant(value: object) -> Reader:
    return lambda _: value
