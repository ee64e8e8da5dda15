"""Put a changed statement into the running process, so that no test starts a process of its own.

An interpreter with the whole portal takes ten seconds to start, a fork of one no time at all.
"""

from __future__ import annotations

import sys
import threading
from functools import _lru_cache_wrapper
from types import FunctionType

from portal.platform.core.compiled import CompiledModels, CompiledQuery
from tests.mutation.mutants import Mutant


def install(mutant: Mutant) -> None:
    """Run the statement in its module, and give what it makes to whoever imported it before."""
    module = sys.modules[mutant.module]
    before = dict(vars(module))
    source = f"from __future__ import annotations\n{mutant.source}"
    exec(compile(source, module.__file__ or mutant.module, "exec"), vars(module))
    for name, now in list(vars(module).items()):
        if name in before and before[name] is not now:
            _replace(name, before[name], now)
    _forget_what_is_kept()


def _replace(name: str, was: object, now: object) -> None:
    for namespace in _namespaces():
        if namespace.get(name) is was:
            namespace[name] = now
    _rewrite(was, now)


def _rewrite(was: object, now: object) -> None:
    """For registries and tables, which hold the function itself."""
    if isinstance(was, FunctionType) and isinstance(now, FunctionType):
        if not (was.__closure__ or now.__closure__):
            was.__code__ = now.__code__
            was.__defaults__, was.__kwdefaults__ = now.__defaults__, now.__kwdefaults__
    elif isinstance(was, type) and isinstance(now, type):
        for name, method in vars(was).items():
            _rewrite(method, vars(now).get(name))


def _forget_what_is_kept() -> None:
    """Answers of functions, and the SQL of queries put together once."""
    for namespace in _namespaces():
        for value in list(namespace.values()):
            if isinstance(value, CompiledQuery):
                vars(value).pop("_statement", None)
            elif isinstance(value, CompiledModels):
                value._thread = threading.local()
            elif isinstance(value, _lru_cache_wrapper):
                value.cache_clear()


def _namespaces() -> list[dict[str, object]]:
    return [
        vars(module)
        for name, module in list(sys.modules.items())
        if name.startswith(("portal.", "tests."))
    ]
