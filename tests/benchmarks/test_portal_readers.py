"""Only faults that a reader would notice are counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import portal_readers
from benchmarks.portal_readers import PortalReaders, Run
from tests.benchmarks.fake_server import FakeServer, chunked, reply, serving

ACCEPTED = b'event: accepted\ndata: {"id": "j", "events_url": "/runs/j/events/"}\n\n'
DONE = b"id: 9-0\nevent: done\ndata: {}\n\n"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_readers, "RETRY_SECONDS", 0.0)


def event(name: str, entry_id: str, **data: Any) -> bytes:
    return f"id: {entry_id}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


def delta(offset: int, *ids: int) -> bytes:
    text = "".join(map(str, ids))
    return event("delta", f"{offset + 1}-0", offset=offset, text=text, token_ids=ids)


def snapshot(*ids: int) -> bytes:
    return event("snapshot", "8-0", text="".join(map(str, ids)), token_ids=ids)


async def read(first: bytes, *later: bytes) -> tuple[Run, PortalReaders, FakeServer]:
    """One run whose connections bring these answers, in turn; the first one is accepted."""
    head, _, events = first.partition(b"\r\n\r\n")
    accepting = chunked(ACCEPTED) + events
    assert accepting.startswith(head)
    async with serving(accepting, *later) as server:
        readers = PortalReaders(f"http://127.0.0.1:{server.port}")
        return await readers.run("session", max_tokens=3), readers, server


async def test_an_undisturbed_run_has_no_fault() -> None:
    comment = b": keep-alive\n\n"
    run, readers, server = await read(chunked(comment, delta(0, 1), delta(1, 2, 3), DONE))

    assert (run.end, run.error, run.id) == ("done", "", "j")
    assert (run.token_ids, run.text, run.tokens, run.frames) == ([1, 2, 3], "123", 3, 2)
    assert (run.faults, run.reconnections) == (0, 0)
    assert run.submitted_at <= run.accepted_at <= run.first_at <= run.ended_at
    assert (readers.tokens, readers.streaming, len(server.requests)) == (3, 0, 1)


async def test_a_gap_is_a_fault() -> None:
    run, *_ = await read(chunked(delta(0, 1), delta(2, 3), DONE))

    assert (run.faults, run.token_ids) == (1, [1])


async def test_a_repetition_is_a_fault() -> None:
    run, *_ = await read(chunked(delta(0, 1), delta(0, 1), delta(1, 2), DONE))

    assert (run.faults, run.token_ids) == (1, [1, 2])


async def test_a_lost_connection_is_taken_up_behind_the_last_event() -> None:
    run, readers, server = await read(chunked(delta(0, 1)), chunked(delta(1, 2, 3), DONE))

    assert (run.reconnections, run.faults, run.token_ids) == (1, 0, [1, 2, 3])
    assert [("Last-Event-ID: 1-0" in request) for request in server.requests] == [
        False, True,
    ]  # fmt: skip
    assert readers.streaming == 0


async def test_a_connection_that_repeats_itself_is_a_fault() -> None:
    run, *_ = await read(chunked(delta(0, 1)), chunked(delta(0, 1), delta(1, 2), DONE))

    assert (run.reconnections, run.faults) == (1, 1)


async def test_a_snapshot_that_holds_what_was_read_is_no_fault() -> None:
    run, readers, _ = await read(chunked(delta(0, 1), snapshot(1, 2), delta(2, 3), DONE))

    assert (run.faults, run.token_ids, run.text) == (0, [1, 2, 3], "123")
    assert readers.tokens == 3


@pytest.mark.parametrize("ids", [(2, 1), ()])
async def test_a_snapshot_that_changes_what_was_read_is_a_fault(ids: tuple[int, ...]) -> None:
    run, *_ = await read(chunked(delta(0, 1), snapshot(*ids), DONE))

    assert run.faults == 1


async def test_a_failed_run_says_so() -> None:
    run, *_ = await read(chunked(delta(0, 1), event("failed", "2-0", code="engine_error")))

    assert (run.end, run.faults) == ("failed", 0)


async def test_a_refused_submission_is_an_error() -> None:
    async with serving(reply(b"no", status=429)) as server:
        readers = PortalReaders(f"http://127.0.0.1:{server.port}")
        run = await readers.run("session", max_tokens=3)

    assert (run.error, run.end) == ("RefusedError: 429 b'no'", "")


async def test_events_that_are_refused_end_the_run() -> None:
    run, *_ = await read(chunked(delta(0, 1)), reply(b"", status=404))

    assert (run.error, run.reconnections) == ("RefusedError: 404 b''", 1)


async def test_a_submission_that_is_lost_is_an_error() -> None:
    async with serving(chunked()) as server:
        readers = PortalReaders(f"http://127.0.0.1:{server.port}")
        run = await readers.run("session", max_tokens=3)

    assert run.error == "IncompleteReadError: 0 bytes read on a total of undefined expected bytes"
