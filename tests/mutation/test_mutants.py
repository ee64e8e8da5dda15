"""What a text is changed into, and what the list of survivors says of it."""

from __future__ import annotations

import libcst as cst

from tests.mutation.operators import is_prose, mutate
from tests.mutation.survivors import FILE, read_survivors


def texts(node: cst.CSTNode) -> list[str]:
    return [cst.Module([]).code_for_node(changed) for changed in mutate(node)]


def test_conditions_are_forced_and_lose_either_half() -> None:
    statement = cst.parse_statement("if a and b: pass")
    assert isinstance(statement, cst.If)

    assert texts(statement) == ["if False: pass\n", "if True: pass\n"]
    assert texts(statement.test) == ["a or b", "a", "b"]
    assert texts(cst.parse_statement("while a: pass")) == ["while False: pass\n"]


def test_guards_are_left_out() -> None:
    assert texts(cst.parse_statement("require(a)")) == ["pass\n"]


def test_lookups_and_calls_become_their_neighbours() -> None:
    call = cst.parse_expression("rows.filter(at__lte=now)")
    assert isinstance(call, cst.Call)

    assert texts(call) == ["rows.filter(at__lte=None)", "rows.exclude(at__lte=now)"]
    assert texts(call.args[0]) == ["at__lt=now"]
    assert texts(cst.parse_expression("min(a)")) == ["min(None)", "max(a)"]


def test_sql_is_changed_and_prose_is_not() -> None:
    sql = cst.parse_expression('"""\nSELECT a FROM b WHERE c > 0 AND d IS NULL\n"""')
    head, tail = '"""\nSELECT a FROM b WHERE c', '\n"""'

    assert texts(sql) == [
        f"{head} >= 0 AND d IS NULL{tail}",
        f"{head} > 0 OR d IS NULL{tail}",
        f"{head} > 0 AND d IS NOT NULL{tail}",
    ]
    assert [is_prose(cst.parse_expression(each)) for each in ('"a b"', '"ab"', 'f"{a} b"')] == [
        True, False, True
    ]  # fmt: skip


def test_a_survivor_is_known_by_its_whole_name_and_has_a_reason() -> None:
    assert read_survivors("# Why.\n\na.b: x # y -> z  # Equal.\n") == {"a.b: x # y -> z": "Equal."}
    assert [name for name, reason in read_survivors(FILE.read_text()).items() if not reason] == []
