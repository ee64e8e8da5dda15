"""Tasks that wait for other people's servers may use some of a worker's threads, never all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import BoundedSemaphore
from typing import ParamSpec

P = ParamSpec("P")


def few_at_a_time(most: int) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """At most `most` threads of a process run the function; a further call does nothing.

    For work that beat finds again anyway: what is skipped is only late.
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
