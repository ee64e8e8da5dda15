"""What mutmut leaves as it is and ought to be tried: conditions, guards, lookups and SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import libcst as cst
import libcst.matchers as m
from mutmut.mutation.mutators import mutation_operators, operator_string

Operator = Callable[[Any], Iterator[cst.CSTNode]]

OTHER_FUNCTIONS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
OTHER_METHODS: Final = {
    "filter": "exclude", "exclude": "filter", "first": "last", "ceil": "floor", "popleft": "pop",
}  # fmt: skip
OTHER_LOOKUPS: Final = {"__lt": "__lte", "__lte": "__lt", "__gt": "__gte", "__gte": "__gt"}
OTHER_SQL: Final = (
    (r" > ", " >= "),
    (r" AND ", " OR "),
    (r"IS NULL", "IS NOT NULL"),
    (r"\bmin\(", "max("),
    (r"\bmax\(", "min("),
    (r"\bsum\(", "max("),
    (r"coalesce\((\w+), (\w+)\)", r"coalesce(\2, \1)"),
)


def mutate(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Everything that may stand in a node's place."""
    for kind, operate in (*mutation_operators, *OWN):
        if isinstance(node, kind):
            changed = iter(operate(node))
            # One other text shows as well as three whether anybody reads it.
            yield from islice(changed, 1) if operate is operator_string else changed


def is_prose(node: cst.CSTNode) -> bool:
    """Whether it is words for a person, which may be put otherwise; SQL is none."""
    if isinstance(node, cst.SimpleString):
        return " " in node.value and not is_sql(node)
    parts = node.parts if isinstance(node, cst.FormattedString) else ()
    texts = [part.value for part in parts if isinstance(part, cst.FormattedStringText)]
    return isinstance(node, cst.ConcatenatedString) or any(" " in text for text in texts)


def is_sql(node: cst.SimpleString) -> bool:
    return bool(re.match(r'"""\s*(SELECT|UPDATE) ', node.value))


def _force(node: cst.If | cst.While | cst.CompIf) -> Iterator[cst.CSTNode]:
    # A loop that never ends is found out by its time alone.
    for answer in ("False",) if isinstance(node, cst.While) else ("False", "True"):
        yield node.with_changes(test=cst.Name(answer))


def _drop_operand(node: cst.BooleanOperation) -> Iterator[cst.CSTNode]:
    for each in (node.left, node.right):
        yield each.with_changes(lpar=[*node.lpar, *each.lpar], rpar=[*each.rpar, *node.rpar])


def _drop_statement(node: cst.SimpleStatementLine) -> Iterator[cst.CSTNode]:
    if m.matches(node, m.SimpleStatementLine([m.Expr(m.Call() | m.Await(m.Call()))])):
        yield node.with_changes(body=[cst.Pass()])


def _change_lookup(node: cst.Arg) -> Iterator[cst.CSTNode]:
    found = re.fullmatch(r"(.+)(__[lg]te?)", node.keyword.value if node.keyword else "")
    if found:
        yield node.with_changes(keyword=cst.Name(found[1] + OTHER_LOOKUPS[found[2]]))


def _change_call(node: cst.Call) -> Iterator[cst.CSTNode]:
    function = node.func
    if isinstance(function, cst.Name) and function.value in OTHER_FUNCTIONS:
        yield node.with_changes(func=cst.Name(OTHER_FUNCTIONS[function.value]))
    if isinstance(function, cst.Attribute) and function.attr.value in OTHER_METHODS:
        other = cst.Name(OTHER_METHODS[function.attr.value])
        yield node.with_changes(func=function.with_changes(attr=other))


def _change_sql(node: cst.SimpleString) -> Iterator[cst.CSTNode]:
    if is_sql(node):
        for pattern, other in OTHER_SQL:
            for found in re.finditer(pattern, node.value):
                text = node.value[: found.start()] + found.expand(other) + node.value[found.end() :]
                yield node.with_changes(value=text)


OWN: Final[tuple[tuple[Any, Operator], ...]] = (
    ((cst.If, cst.While, cst.CompIf), _force),
    (cst.BooleanOperation, _drop_operand),
    (cst.SimpleStatementLine, _drop_statement),
    (cst.Arg, _change_lookup),
    (cst.Call, _change_call),
    (cst.SimpleString, _change_sql),
)
