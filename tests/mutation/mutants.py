"""Every small change of a module that its tests ought to notice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from importlib.util import find_spec
from pathlib import Path

import libcst as cst
import libcst.matchers as m

from tests.mutation.operators import is_prose, mutate

UNTOUCHED = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
"""Read by the type checker, or outside of what one statement can put in place."""


@dataclass(frozen=True)
class Mutant:
    """One statement at the top of a module, changed in one place."""

    module: str
    where: str
    """Of which function or constant, `Class.method` of a method."""
    name: str
    """The change in words: what the list of survivors knows it by."""
    source: str


def list_mutants(module: str) -> list[Mutant]:
    """In the order of the text."""
    tree = cst.MetadataWrapper(cst.parse_module(read_source(module))).module
    short = module.rpartition(".")[2]
    known: Counter[str] = Counter()
    mutants = []
    for statement in list_statements(tree):
        finder = _Finder()
        statement.visit(finder)
        before = tree.code_for_node(statement)
        for where, node, changed in finder.found:
            other = statement.deep_replace(node, changed)
            after = tree.code_for_node(other) if isinstance(other, cst.CSTNode) else ""
            name = f"{short}.{where}: {_describe(before, after)}"
            known[name] += 1
            if known[name] > 1:
                name = f"{name} ({known[name]})"
            mutants.append(Mutant(module, where, name, after))
    return [mutant for mutant in mutants if _compiles(mutant.source)]


def list_originals(module: str) -> list[Mutant]:
    """Functions and classes as they are: put in place, they must change nothing."""
    tree = cst.parse_module(read_source(module))
    return [
        Mutant(module, statement.name.value, "unchanged", tree.code_for_node(statement))
        for statement in list_statements(tree)
        if isinstance(statement, cst.FunctionDef | cst.ClassDef)
    ]


def list_statements(tree: cst.Module) -> list[cst.BaseStatement]:
    """But for calls at the top, such as of a registry: they happened when it was imported."""
    call = m.SimpleStatementLine([m.Expr()])
    return [
        each
        for each in tree.body
        if isinstance(each, cst.BaseStatement) and not m.matches(each, call)
    ]


def read_source(module: str) -> str:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise SystemExit(f"There is no module {module}.")
    return Path(spec.origin).read_text()


class _Finder(cst.CSTVisitor):
    """Collects where a change is made, the node, and what stands in its place."""

    def __init__(self) -> None:
        self.found: list[tuple[str, cst.CSTNode, cst.CSTNode]] = []
        self._names: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, UNTOUCHED) or is_prose(node) or _is_for_readers(node):
            return False
        name = _name_of(node)
        if name and not (self._names and isinstance(node, cst.Assign | cst.AnnAssign)):
            self._names.append(name)
        where = ".".join(self._names)
        self.found += [
            (where, node, changed) for changed in mutate(node) if not _rewords(node, changed)
        ]
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        name = _name_of(original_node)
        if (
            self._names
            and self._names[-1] == name
            and isinstance(original_node, cst.FunctionDef | cst.ClassDef)
        ):
            self._names.pop()


def _name_of(node: cst.CSTNode) -> str | None:
    match node:
        case cst.FunctionDef() | cst.ClassDef():
            return node.name.value
        case cst.AnnAssign(target=cst.Name(value=name)):
            return name
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            return name
    return None


def _is_for_readers(node: cst.CSTNode) -> bool:
    """Docstrings, aliases of types, and casts."""
    docstring = m.SimpleStatementLine([m.Expr(m.SimpleString())])
    alias = m.Assign(value=m.Subscript(m.Name("Callable") | m.Name("Mapping")))
    return m.matches(node, docstring | alias | m.Call(m.Name("cast")))


def _rewords(node: cst.CSTNode, changed: cst.CSTNode) -> bool:
    """Whether it only takes a sentence away."""
    if not (isinstance(node, cst.Call) and isinstance(changed, cst.Call)):
        return False
    kept = [id(argument) for argument in changed.args]
    return any(id(argument) not in kept and is_prose(argument.value) for argument in node.args)


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _describe(before: str, after: str) -> str:
    was, now = before.splitlines(), after.splitlines()
    left, came = [], []
    for kind, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if kind != "equal":
            left += [line.strip() for line in was[a:b]]
            came += [line.strip() for line in now[c:d]]
    return f"{' '.join(left)} -> {' '.join(came) or 'nothing'}"
