"""Whether a structure compiles, found out in a process that can be ended.

The engine would compile it between the steps of everybody's text. Here one person has one structure
compiled at a time, and the next person's comes before the same person's next.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from inference_workers.contract import Structure
from portal.lab.completions.compiler.child import Child, CompilerDiedError
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

COMPILERS: Final = 2
"""Processes beside each process of the site."""
CPU_SECONDS: Final = 1.0
WALL_SECONDS: Final = 20.0
"""On a machine so busy that a second takes this long, nothing is known of the structure."""
VERDICTS_KEPT: Final = 4096

TOO_SLOW: Final = f"takes more than {CPU_SECONDS:.0f} s to compile. Count less, or offer less"
TOO_MUCH: Final = "takes more memory to compile than there is for it. Count less, or offer less"

T = TypeVar("T")


class UncompiledError(Exception):
    """Nothing is known of the structure yet: compile it, and try again."""

    def __init__(self, structure: Structure) -> None:
        super().__init__("not compiled yet")
        self.structure = structure


class Compilers:
    """A few processes that compile, and what they found."""

    def __init__(
        self, *, cpu_seconds: float = CPU_SECONDS, wall_seconds: float = WALL_SECONDS
    ) -> None:
        self._limits = {"cpu_seconds": cpu_seconds, "wall_seconds": wall_seconds}
        self._threads = ThreadPoolExecutor(COMPILERS, thread_name_prefix="compilers")
        self._own = threading.local()
        self._children: list[Child] = []
        self._faults: dict[str, str] = {}

    def require_compiled(self, structure: Structure, *, field: str) -> None:
        """Raise `DomainError` on the field for one that does not, `UncompiledError` for a new one.

        Looks up what was found, and compiles nothing.
        """
        fault = self._faults.get(_name(structure))
        if fault is None:
            raise UncompiledError(structure)
        if fault:
            raise DomainError(RefusalCode.INVALID_VALUE, f"{field} {fault}.", field=field)

    def compile(self, structure: Structure) -> Future[None]:
        """Find out in a process; the future raises `DomainError` if that was not possible now."""
        return self._threads.submit(self._compile, structure)

    def close(self) -> None:
        """End the processes. Called when the site's process ends."""
        self._threads.shutdown(cancel_futures=True)
        for child in self._children:
            child.close()

    def _compile(self, structure: Structure) -> None:
        name = _name(structure)
        if name in self._faults:
            return
        try:
            fault = str(json.loads(self._child().ask(structure.model_dump_json())))
        except CompilerDiedError as death:
            if death.was_ended:
                raise DomainError(
                    RefusalCode.COMPILER_BUSY,
                    "Structures cannot be checked just now. Try again in a moment.",
                ) from death
            fault = TOO_SLOW if death.ran_out_of_time else TOO_MUCH
        while len(self._faults) >= VERDICTS_KEPT:
            self._faults.pop(next(iter(self._faults)), None)
        self._faults[name] = fault

    def _child(self) -> Child:
        """The thread's own."""
        if not hasattr(self._own, "child"):
            self._own.child = Child(**self._limits)
            self._children.append(self._own.child)
        child: Child = self._own.child
        return child


compilers = Compilers()
atexit.register(compilers.close)


async def with_compiled(work: Callable[[], Awaitable[T]], *, person: int) -> T:
    """What `work` answers, once the structures that it asks for are compiled.

    Nothing is held while that takes: `work` is called again afterwards.
    """
    while True:
        try:
            return await work()
        except UncompiledError as new:
            async with _turn_of(person):
                await asyncio.wrap_future(compilers.compile(new.structure))


def with_compiled_here(work: Callable[[], T]) -> T:
    """The same for whoever is alone in a thread of its own."""
    while True:
        try:
            return work()
        except UncompiledError as new:
            compilers.compile(new.structure).result()


def _name(structure: Structure) -> str:
    return hashlib.sha256(structure.model_dump_json().encode(errors="surrogatepass")).hexdigest()


@asynccontextmanager
async def _turn_of(person: int) -> AsyncIterator[None]:
    turns = _turns.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    turn = turns.setdefault(person, asyncio.Lock())
    async with turn:
        yield


_turns: MutableMapping[asyncio.AbstractEventLoop, WeakValueDictionary[int, asyncio.Lock]] = (
    WeakKeyDictionary()
)
