"""The effect of one attack on others: `/healthz` and first tokens, and their idle values.

    python -m benchmarks.hostile [--seconds S] [--only NAME,…] [--write]

One site, with its normal limits and the stand-in engine. Its idle values are measured again
before each attack. A measurement is not a test: it prints which targets were reached and exits
with status 0.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.attacks import ATTACKS, Attack, Victim, attacking
from benchmarks.keys import issue_keys
from benchmarks.machine import describe_machine
from benchmarks.marked_section import write_section
from benchmarks.others import Noticed, notice
from benchmarks.stack import Shape, Stack, running_stack
from demo.terminal import one_line_errors, say

TARGET = 2.0
"""Maximum ratio to the idle value."""
RATE = 50.0
SLOTS = 16
SECTION = "hostile"
ONSET_SECONDS = 2.0
"""The time that an attack gets to take effect."""
CALM_SECONDS = 10.0
"""The time that the site gets to recover from an attack."""
OWN_LIMITS = {"LOG_LEVEL": "ERROR", "WEBHOOK_NETWORKS": "127.0.0.0/8"}


@dataclass(frozen=True)
class Outcome:
    """One attack, and the waits of others without and with it."""

    attack: Attack
    idle: Noticed
    beside: Noticed


def main(words: Sequence[str] | None = None) -> None:
    options = build_parser().parse_args(words)
    load = os.getloadavg()[0]
    shape = Shape(people=len(ATTACKS) + 2, slots=SLOTS, rate=RATE, limits=OWN_LIMITS)
    with one_line_errors(), running_stack(shape) as stack:
        outcomes = measure(stack, options.only, seconds=options.seconds)
        note = f"{describe_machine()}. Load average before the run: {load:.1f}."
        body = f"{note} Stand-in engine, {SLOTS} slots; {options.seconds:g} s per phase.\n\n"
        body += render(outcomes)
        say(f"\n{body}")
        if options.write:
            write_section(SECTION, body)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each phase")
    parser.add_argument("--only", type=_choose, default=tuple(ATTACKS), help="names of attacks")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    return parser


def measure(stack: Stack, names: Sequence[str], *, seconds: float) -> list[Outcome]:
    """Measure each attack by itself, on the same site."""
    own, *keys = issue_keys(stack, 1 + len(names))
    outcomes = []

    def look() -> Noticed:
        # The last person's session, since the first ones have the keys.
        return asyncio.run(
            notice(
                port=urlsplit(stack.url).port or 80,
                key=own,
                session=stack.sessions[-1],
                seconds=seconds,
            )
        )

    for name, key in zip(names, keys, strict=True):
        time.sleep(CALM_SECONDS)
        idle = look()
        # Each attack uses another key: a key that has sent too much is refused for a minute.
        victim = Victim(url=stack.url, key=key, environment=stack.programs["web"].environment)
        with attacking(name, victim):
            time.sleep(ONSET_SECONDS)
            beside = look()
        outcomes.append(Outcome(ATTACKS[name], idle, beside))
    return outcomes


def render(outcomes: Sequence[Outcome]) -> str:
    """One line per attack and figure, with the verdict on the target."""
    lines = [
        "| attack | seen by others | idle, ms | under attack, ms | ratio | target |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for outcome in outcomes:
        for what in outcome.idle:
            idle, beside = outcome.idle[what], outcome.beside[what]
            ratio = beside / idle
            verdict = "reached" if ratio <= TARGET else "not reached"
            lines.append(
                f"| {outcome.attack.words} | {what} | {idle * 1000:.0f} | {beside * 1000:.0f}"
                f" | {ratio:.2f} | ≤ {TARGET:g}: {verdict} |"
            )
    return "\n".join(lines)


def _choose(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in ATTACKS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(ATTACKS)}")
    return names


if __name__ == "__main__":
    main()
