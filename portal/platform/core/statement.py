"""SQL that is compiled once, with placeholders for values, and its form for many sets of values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

Values = Mapping[str, object]
Sql = tuple[str, list[object]]
"""Text with placeholders, and their values."""

_EXAMPLES: Final[Mapping[type, Callable[[int], object]]] = {
    int: lambda place: 2**62 + place,
    str: lambda place: f"\N{OBJECT REPLACEMENT CHARACTER}{place}",
    datetime: lambda place: datetime(1, 1, 1, microsecond=place, tzinfo=UTC),
}
"""Values that no query contains otherwise, so that each is found among the parameters."""
_COLUMN_TYPES: Final = {int: "bigint", str: "text", datetime: "timestamptz"}
_PLACEHOLDER: Final = re.compile(r"%[s%]")


def give_examples(types: Mapping[str, type]) -> dict[str, object]:
    """A value for each name, of its type (int, str or datetime), to build a query with."""
    return {name: _EXAMPLES[kind](place) for place, (name, kind) in enumerate(types.items())}


class Statement:
    """A query that was built with examples, as a function of the values in their places.

    Raises `ValueError` if an example is not unchanged among the parameters.
    """

    def __init__(
        self, sql: str, parameters: Iterable[object], examples: Mapping[str, object]
    ) -> None:
        self._sql = sql
        self._parameters = [(value, _find(value, examples)) for value in parameters]
        if missing := examples.keys() - {name for _, name in self._parameters}:
            raise ValueError(f"the query does not use {', '.join(sorted(missing))} unchanged")
        self._types = {name: _COLUMN_TYPES[type(value)] for name, value in examples.items()}
        self._lateral = self._put_questions_beside()

    def ask(self, values: Values) -> Sql:
        """The query for these values."""
        return self._sql, [
            value if name is None else values[name] for value, name in self._parameters
        ]

    def ask_together(self, asked: Sequence[Values]) -> Sql:
        """One query for all of these; each row ends with the number of its question, from one.

        Rows of the same question come in the query's own order.
        """
        columns: list[object] = [[values[name] for values in asked] for name in self._types]
        constants = [value for value, name in self._parameters if name is None]
        return self._lateral, columns + constants

    def _put_questions_beside(self) -> str:
        """The query joined to a table of questions, for each row of which it runs."""
        names = iter(name for _, name in self._parameters)

        def name_column(placeholder: re.Match[str]) -> str:
            if placeholder[0] == "%%" or (name := next(names)) is None:
                return placeholder[0]
            return f'asked."{name}"'

        arrays = ", ".join(f"%s::{kind}[]" for kind in self._types.values())
        columns = ", ".join(f'"{name}"' for name in self._types)
        query = _PLACEHOLDER.sub(name_column, self._sql)
        return (
            f"SELECT answer.*, asked.place"  # noqa: S608 -- of names that the code gives, not of values
            f" FROM unnest({arrays}) WITH ORDINALITY AS asked({columns}, place)"
            f" CROSS JOIN LATERAL ({query}) AS answer"
        )


def _find(parameter: object, examples: Mapping[str, object]) -> str | None:
    for name, example in examples.items():
        if type(parameter) is type(example) and parameter == example:
            return name
    return None
