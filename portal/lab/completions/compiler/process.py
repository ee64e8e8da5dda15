"""The process that compiles structures: one per line, each within a limit of processor time.

It runs as a file, without the site and its environment, and ends when its standard input ends. A
structure that takes too much time or memory ends the process; the caller starts another.
"""

from __future__ import annotations

import json
import random
import re
import resource
import signal
import sys
from typing import Any

from llguidance import LLMatcher, LLParserLimits, LLTokenizer, grammar_from

MEMORY_BYTES = 2**30
WALKS = 3
STEPS = 60
LEXER_FUEL = 50_000
"""A quarter of the engine's fuel for a step: here a step tries bytes, there whole tokens.

Patterns that run out of fuel in the engine, and so end their text in the middle, also do so here.
"""
REASONS = (
    (re.compile(r"NoExtension"), "fits no text"),
    (
        re.compile(r"too many|too large|fuel|Current row has|panic"),
        "has more continuations than the engine can follow. Use lower counts or fewer options",
    ),
)
DETAIL = re.compile(r"^error: (.+)$", re.MULTILINE)
"""The regular expression library's message, without the pattern that precedes it."""


def main(seconds: float) -> None:
    """Answer each line with the fault as a JSON string, empty if there is none."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tokenizer = LLTokenizer("byte")
    for line in sys.stdin:
        structure = json.loads(line)
        # Unhandled, the timer's signal ends the process, whichever library is running.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        fault = describe(find_fault(structure, tokenizer))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(fault) + "\n")
        sys.stdout.flush()


def find_fault(structure: dict[str, Any], tokenizer: LLTokenizer) -> str:
    """The compiler's message; empty if the structure compiles and a few sample texts begin."""
    try:
        grammar = write_grammar(structure)
    except ValueError as error:
        return str(error)
    limits = LLParserLimits(step_lexer_fuel=LEXER_FUEL)
    compiled = LLMatcher(tokenizer, grammar, log_level=0, limits=limits)
    draw = random.Random(0)  # noqa: S311 -- the same verdict each time
    for _ in range(WALKS):
        if fault := walk(compiled.deep_copy(), draw, vocabulary=tokenizer.vocab_size):
            return fault
    return ""


def write_grammar(structure: dict[str, Any]) -> str:
    """The grammar that vLLM's backend `guidance` would use; raises ValueError."""
    if structure["regex"] is not None:
        return grammar_from("regex", structure["regex"])
    if structure["choice"]:
        return grammar_from("choice", json.dumps(structure["choice"]))
    return LLMatcher.grammar_from_json_schema(
        structure["json_schema"], defaults={"whitespace_flexible": True}
    )


def walk(matcher: LLMatcher, draw: random.Random, *, vocabulary: int) -> str:
    """Draw a random text from the matcher; return the error that stopped it, or an empty text."""
    for _ in range(STEPS):
        if matcher.get_error() or matcher.is_stopped():
            break
        mask = int.from_bytes(matcher.compute_bitmask(), "little")
        allowed = [token for token in range(vocabulary) if mask >> token & 1]
        if not matcher.get_error() and allowed:
            matcher.consume_token(draw.choice(allowed))
    return matcher.get_error()


def describe(fault: str) -> str:
    """The fault in words for a person; empty if there is none."""
    if not fault:
        return ""
    for pattern, reason in REASONS:
        if pattern.search(fault):
            return reason
    detail = DETAIL.search(fault)
    return f"does not compile: {(detail[1] if detail else fault.splitlines()[0])[:200]}"


if __name__ == "__main__":
    main(float(sys.argv[1]))
