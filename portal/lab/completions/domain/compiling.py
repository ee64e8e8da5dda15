"""Checks whether a structure compiles, in a process that can be ended.

The engine would compile it between the generation steps of all its runs. Here one structure per
person is compiled at a time, and other people's come before the same person's next one.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Final, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from inference_workers.contract import Structure
from portal.lab.completions.compiler.child import Child, CompilerDiedError
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.refusals import RefusalCode

COMPILERS: Final = 2
"""Compiling processes for each process of the site."""
CPU_SECONDS: Final = 1.0
WALL_SECONDS: Final = 20.0
"""If the machine is so busy that CPU_SECONDS take this long, the check is given up."""
VERDICTS_KEPT: Final = 4096

TOO_SLOW: Final = (
    f"takes more than {CPU_SECONDS:.0f} s to compile. Use lower counts or fewer options"
)
TOO_MUCH: Final = "takes too much memory to compile. Use lower counts or fewer options"

T = TypeVar("T")


class UncompiledError(Exception):
    """The structure has not been checked yet: compile it, and try again."""

    def __init__(self, structure: Structure) -> None:
        super().__init__("not compiled yet")
        self.structure = structure


class Compilers:
    """A few compiling processes, and their results."""

    def __init__(
        self, *, cpu_seconds: float = CPU_SECONDS, wall_seconds: float = WALL_SECONDS
    ) -> None:
        self._limits = {"cpu_seconds": cpu_seconds, "wall_seconds": wall_seconds}
        self._threads = ThreadPoolExecutor(COMPILERS, thread_name_prefix="compilers")
        self._own = threading.local()
        self._children: list[Child] = []
        self._faults: dict[str, str] = {}

    def require_compiled(self, structure: Structure, *, field: str) -> None:
        """Raise `DomainError` on the field if it does not compile, `UncompiledError` if it is new.

        Looks up an earlier result, and compiles nothing.
        """
        fault = self._faults.get(_name(structure))
        if fault is None:
            raise UncompiledError(structure)
        if fault:
            raise invalid_value(f"{field} {fault}.", field=field)

    def compile(self, structure: Structure) -> Future[None]:
        """Compile in a process; the future raises `DomainError` if that is not possible now."""
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
                    "Structures cannot be checked now. Try again in a moment.",
                ) from death
            fault = TOO_SLOW if death.ran_out_of_time else TOO_MUCH
        while len(self._faults) >= VERDICTS_KEPT:
            self._faults.pop(next(iter(self._faults)), None)
        self._faults[name] = fault

    def _child(self) -> Child:
        """The thread's own process."""
        if not hasattr(self._own, "child"):
            self._own.child = Child(**self._limits)
            self._children.append(self._own.child)
        child: Child = self._own.child
        return child


compilers = Compilers()
atexit.register(compilers.close)


async def with_compiled(work: Callable[[], Awaitable[T]], *, person: int) -> T:
    """The result of `work`, after the structures that it needs are compiled.

    Nothing is held during the compilation: `work` is called again afterwards.
    """
    while True:
        try:
            return await work()
        except UncompiledError as new:
            async with _turn_of(person):
                await asyncio.wrap_future(compilers.compile(new.structure))


def with_compiled_here(work: Callable[[], T]) -> T:
    """The same for a caller with its own thread, which waits for the compilation."""
    while True:
        try:
            return work()
        except UncompiledError as new:
            compilers.compile(new.structure).result()


def with_compiled_once(work: Callable[[], T], *, person: int) -> T:
    """The same for a page, which waits in one of the site's threads.

    Raises `DomainError` with code `compiler_busy` while it compiles another of the person's, so
    that nobody fills the site's threads.
    """
    while True:
        try:
            return work()
        except UncompiledError as new:
            with _only_one_of(person):
                compilers.compile(new.structure).result()


@contextmanager
def _only_one_of(person: int) -> Iterator[None]:
    with _waiting_lock:
        if person in _waiting:
            raise DomainError(
                RefusalCode.COMPILER_BUSY,
                "Another structure of yours is still being checked. Try again in a moment.",
            )
        _waiting.add(person)
    try:
        yield
    finally:
        with _waiting_lock:
            _waiting.discard(person)


_waiting: Final[set[int]] = set()
_waiting_lock: Final = threading.Lock()


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
