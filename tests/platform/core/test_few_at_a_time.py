"""Callers above the limit are turned away, and the limit counts threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from portal.platform.core.few_at_a_time import few_at_a_time

SECONDS = 30


def test_calls_beyond_the_few_do_nothing() -> None:
    begun, over, calls = Barrier(3), Event(), []

    @few_at_a_time(2)
    def wait(name: str) -> None:
        calls.append(name)
        if name == "slow":
            begun.wait(SECONDS)
            over.wait(SECONDS)

    with ThreadPoolExecutor(2) as threads:
        slow = [threads.submit(wait, "slow") for _ in range(2)]
        begun.wait(SECONDS)
        wait("beyond")
        over.set()
        for future in slow:
            future.result(SECONDS)
    wait("afterwards")

    assert calls == ["slow", "slow", "afterwards"]


def test_a_place_is_given_back_after_an_error() -> None:
    @few_at_a_time(1)
    def fail() -> None:
        raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            fail()
