"""Tasks that wait for other people's servers have some of a worker's threads, never all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import BoundedSemaphore
from typing import ParamSpec

P = ParamSpec("P")


def few_at_a_time(most: int) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """At most so many threads of a process are in the function; a call beyond that does nothing.

    For what is looked for again anyway, by beat, and so is only late.
    """
    places = BoundedSemaphore(most)

    def decorate(task: Callable[P, None]) -> Callable[P, None]:
        @wraps(task)
        def call(*args: P.args, **kwargs: P.kwargs) -> None:
            if not places.acquire(blocking=False):
                return
            try:
                task(*args, **kwargs)
            finally:
                places.release()

        return call

    return decorate
