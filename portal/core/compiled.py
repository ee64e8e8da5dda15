"""Queries of the busiest paths, put together once: the ORM takes longer to write them than the
database to answer them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, cast

from django.db import connection
from django.db.models import QuerySet

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
    def _compiled(self) -> tuple[str, list[Callable[[Mapping[str, object]], object]]]:
        examples = {
            name: _EXAMPLES[kind](place) for place, (name, kind) in enumerate(self._types.items())
        }
        sql, parameters = self._build(**examples).query.sql_with_params()
        found = [_find(parameter, examples) for parameter in parameters]
        if missing := examples.keys() - set(found):
            raise ValueError(f"the query does not use {', '.join(sorted(missing))} as it is")
        return sql, [
            _constant(parameter) if name is None else _named(name)
            for parameter, name in zip(parameters, found, strict=True)
        ]


def _find(parameter: object, examples: Mapping[str, object]) -> str | None:
    for name, example in examples.items():
        if type(parameter) is type(example) and parameter == example:
            return name
    return None


def _named(name: str) -> Callable[[Mapping[str, object]], object]:
    return lambda values: values[name]


def _constant(value: object) -> Callable[[Mapping[str, object]], object]:
    return lambda _: value
