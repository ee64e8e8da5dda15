"""The portal under load: the path between engine and reader."""

from __future__ import annotations

from benchmarks.load import Subject
from benchmarks.portal_readers import PortalReaders, Run
from benchmarks.stack import Stack
from benchmarks.stand_in_engine import text_of

PATH = ("web", "inference worker", "valkey")
"""The parts that a token passes; the engine and the readers are not the portal's."""


def portal_subject(stack: Stack) -> Subject:
    """The whole site with stand-in engines, driven by the pages' own requests."""
    readers = PortalReaders(stack.url)

    async def run(index: int, max_tokens: int) -> Run:
        session = stack.sessions[index % len(stack.sessions)]
        return await readers.run(session, max_tokens=max_tokens)

    return Subject(
        readers=readers,
        run=run,
        cpu=stack.cpu,
        path=PATH,
        text_of=lambda tokens: text_of(range(tokens)),
    )
