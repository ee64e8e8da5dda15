"""Put a changed statement into the running process, so that no test starts a process of its own.

An interpreter with the whole portal takes ten seconds to start, a fork of one no time at all.
"""

from __future__ import annotations

import sys
import threading
from functools import _lru_cache_wrapper
from types import FunctionType, MemberDescriptorType
from typing import Final

from portal.platform.core.compiled import CompiledModels, CompiledQuery
from tests.mutation.mutants import Mutant

OF_THE_CLASS_ITSELF: Final = {"__dict__", "__weakref__", "__slots__"}


def install(mutant: Mutant) -> None:
    """Run the statement in its module, and replace the old result in all modules that have it."""
    module = sys.modules[mutant.module]
    before = dict(vars(module))
    source = f"from __future__ import annotations\n{mutant.source}"
    exec(compile(source, module.__file__ or mutant.module, "exec"), vars(module))
    for name, now in list(vars(module).items()):
        was = before.get(name, now)
        if was is now:
            continue
        if isinstance(was, type) and isinstance(now, type):
            # There may be objects of it already, which would be equal to none of the new one's.
            vars(module)[name] = was
            _rewrite_class(was, now)
        else:
            _replace(name, was, now)
    _forget_what_is_kept()


def _replace(name: str, was: object, now: object) -> None:
    for namespace in _namespaces():
        if namespace.get(name) is was:
            namespace[name] = now
    if isinstance(was, FunctionType) and isinstance(now, FunctionType) and not was.__closure__:
        # For registries and tables, which hold the function itself.
        was.__code__ = now.__code__
        was.__defaults__, was.__kwdefaults__ = now.__defaults__, now.__kwdefaults__


def _rewrite_class(was: type, now: type) -> None:
    for name, value in vars(now).items():
        if name not in OF_THE_CLASS_ITSELF and not isinstance(value, MemberDescriptorType):
            setattr(was, name, value)


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
