"""A grammar costs the engine little, or is refused before it is queued."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from inference_workers.contract import Structure
from portal.lab.completions.domain import compiling
from portal.lab.completions.domain.compiling import (
    TOO_SLOW,
    Compilers,
    UncompiledError,
    with_compiled,
)
from portal.lab.completions.domain.pattern_size import measure_pattern
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.errors import DomainError
from tests.lab.api.conftest import Laboratory
from tests.lab.playground.sse import in_thread


def properties(count: int) -> dict[str, Any]:
    return {"type": "object", "properties": {f"p{place}": {} for place in range(count)}}


def nested(depth: int) -> dict[str, Any]:
    """`depth` nested objects."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth - 1):
        schema = {"items": schema}
    return schema


def patterned(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern}


NESTED_COUNTS = "(([a-z]{1,50}){1,50}){1,50}"
WRITTEN_OUT = "has 125,000 characters when its counts are written out; the limit is 5,000. "
BOUND_IT = "Use lower counts, or let max_tokens limit the text."


async def refuse(laboratory: Laboratory, **body: Any) -> tuple[str, str]:
    """Param and message of the refusal; checks that no run was submitted."""
    response = await laboratory.client.ask(
        "/v1/completions", json={"model": laboratory.model.slug, "prompt": "a", **body}
    )
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "invalid_value")
    assert not await in_thread(GenerationJob.objects.exists)
    return error["param"], error["message"].removeprefix(error["param"]).strip()


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("json", properties(257), "has more than 256 properties."),
        ("json", {"enum": [str(n) for n in range(1001)]}, "has more than 1,000 enum values."),
        ("json", {"anyOf": [{"const": n} for n in range(129)]}, "has more than 128 branches."),
        ("json", nested(65), "has objects and arrays nested more than 64 deep."),
        ("json", {"title": "é" * 2**15}, "has 65,549 bytes of JSON; the limit is 65,536."),
        ("json", {"type": "array", "maxItems": 10_001},
         "maxItems in structured_outputs.json is 10,001; the limit is 10,000."),
        ("json", patterned(NESTED_COUNTS),
         f"A pattern in structured_outputs.json {WRITTEN_OUT}{BOUND_IT}"),
        ("json", {"patternProperties": {NESTED_COUNTS: {}}},
         f"A pattern in structured_outputs.json {WRITTEN_OUT}{BOUND_IT}"),
        ("regex", NESTED_COUNTS, f"{WRITTEN_OUT}{BOUND_IT}"),
        ("regex", "a" * 4097, "has 4,097 characters; the limit is 4,096."),
        ("choice", [str(n) for n in range(1001)], "has 1,001 texts; the limit is 1,000."),
        ("choice", ["a", *[f"{n:4096}" for n in range(16)]],
         "has 65,537 bytes; the limit is 65,536."),
        ("choice", ["b" * 4097],
         "A text in structured_outputs.choice has 4,097 characters; the limit is 4,096."),
        ("json", {"enum": [1, "b" * 4097]},
         "A text in structured_outputs.json has 4,097 characters; the limit is 4,096."),
        ("json", {"items": {"const": "b" * 4097}},
         "A text in structured_outputs.json has 4,097 characters; the limit is 4,096."),
        ("choice", ["a", ""], "[1] is empty. Leave it out."),
    ],
)  # fmt: skip
async def test_beyond_a_bound_the_limit_is_named(
    laboratory: Laboratory, kind: str, value: Any, message: str
) -> None:
    param, said = await refuse(laboratory, structured_outputs={kind: value})

    assert (param, said) == (f"structured_outputs.{kind}", message)


async def test_a_response_format_has_the_same_bounds(laboratory: Laboratory) -> None:
    wanted = {"type": "json_schema", "json_schema": {"schema": properties(257)}}

    param, said = await refuse(laboratory, response_format=wanted)

    assert (param, said) == ("response_format.json_schema.schema", "has more than 256 properties.")


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        ("", 0),
        ("abc", 3),
        ("a{3}b", 4),
        ("([a-z]{1,50}){1,20}", 1000),
        ("a{5,}", 5),
        ("a{,5}", 5),
        ("a{0}", 1),
        ("[a{5}]{4}", 4),
        ("[[a]&&[b]]{2}", 2),
        (r"\{5\}", 3),
        (r"\p{L}{3}", 3),
        ("(a|b)*?{10}", 20),
        ("(?:ab){2}?", 6),
        ("a{99999999999999999999}", 10**9),
        ("))a", 1),
        ("((a", 1),
    ],
)
def test_a_pattern_is_measured_with_its_counts(pattern: str, size: int) -> None:
    assert measure_pattern(pattern) == size


# Each of the twenty is small, but no compiler can combine all of them.
SLOW = {"allOf": [patterned(f".*a.{{{count}}}b.*") for count in range(20)]}
ENDLESS = "has more continuations than the engine can follow. Use lower counts or fewer options."


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("json", {"$ref": "#"}, "fits no text."),
        ("json", {"allOf": [{"$ref": "#"}]}, "fits no text."),
        ("json", {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"},
                                                 "b": {"$ref": "#/$defs/a"}}}, "fits no text."),
        ("json", {"$ref": "#/$defs/a"}, "does not compile: Pointer '/$defs/a' does not exist."),
        ("json", {"type": "array", "uniqueItems": True},
         'does not compile: Unimplemented keys: ["uniqueItems"].'),
        ("regex", "[a-", "does not compile: unclosed character class."),
        ("regex", r"(a)\1", "does not compile: backreferences are not supported."),
        ("regex", r"(\w{1,25}\s?){1,20}", ENDLESS),
        ("regex", "a?" * 1000, ENDLESS),
    ],
)  # fmt: skip
async def test_what_does_not_compile_is_refused_at_the_door(
    laboratory: Laboratory, kind: str, value: Any, message: str
) -> None:
    param, said = await refuse(laboratory, structured_outputs={kind: value})

    assert (param, said) == (f"structured_outputs.{kind}", message)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("json", properties(256)),
        ("json", {"enum": [f"value {n}" for n in range(1000)]}),
        ("json", {"anyOf": [properties(2) for _ in range(128)]}),
        ("json", {"type": "array", "items": {"type": "integer"}, "maxItems": 10_000}),
        ("json", {"type": "object", "properties": {"more": {"type": "array",
                                                            "items": {"$ref": "#"}}}}),
        ("regex", "[a-z]{1,5000}"),
        ("regex", "a" * 4096),
        ("choice", [f"value {n}" for n in range(1000)]),
    ],
)  # fmt: skip
async def test_at_a_bound_it_is_run(laboratory: Laboratory, kind: str, value: Any) -> None:
    async with laboratory.working():
        response = await laboratory.client.ask(
            "/v1/completions",
            json={
                "model": laboratory.model.slug,
                "prompt": "a",
                "max_tokens": 2,
                "structured_outputs": {kind: value},
            },
        )

    assert response.status_code == 200


@pytest.fixture
def compilers() -> Iterator[Compilers]:
    compilers = Compilers(cpu_seconds=0.2)
    yield compilers
    compilers.close()


def test_what_takes_too_long_is_ended(compilers: Compilers) -> None:
    slow, quick = Structure(json_schema=SLOW), Structure(regex="a")

    compilers.compile(slow).result()
    compilers.compile(quick).result()

    with pytest.raises(DomainError) as refused:
        compilers.require_compiled(slow, field="it")
    assert (refused.value.code, refused.value.message) == ("invalid_value", f"it {TOO_SLOW}.")
    compilers.require_compiled(quick, field="it")


def test_of_what_found_no_core_nothing_is_said() -> None:
    compilers = Compilers(cpu_seconds=60.0, wall_seconds=0.0)
    structure = Structure(regex="a")
    try:
        with pytest.raises(DomainError) as refused:
            compilers.compile(structure).result()
        with pytest.raises(UncompiledError):
            compilers.require_compiled(structure, field="it")
    finally:
        compilers.close()
    assert refused.value.code == "compiler_busy"


class Held(Compilers):
    """Begins nothing by itself, and records who asked."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: dict[str, Future[None]] = {}

    def compile(self, structure: Structure) -> Future[None]:
        assert structure.regex is not None
        self.begun[structure.regex] = Future()
        return self.begun[structure.regex]


async def test_one_persons_structures_leave_room_for_the_next_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Held()
    monkeypatch.setattr(compiling, "compilers", held)
    known: set[str] = set()

    def ask(name: str, *, person: int) -> asyncio.Task[str]:
        async def work() -> str:
            if name not in known:
                raise UncompiledError(Structure(regex=name))
            return name

        return asyncio.create_task(with_compiled(work, person=person))

    greedy = [ask(f"greedy {count}", person=1) for count in range(50)]
    other = ask("other", person=2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert list(held.begun) == ["greedy 0", "other"]
    known.add("other")
    held.begun["other"].set_result(None)
    assert await other == "other"
    assert list(held.begun) == ["greedy 0", "other"]
    for task in greedy:
        task.cancel()
    await asyncio.gather(*greedy, return_exceptions=True)


def test_the_site_has_the_compiler_of_the_engine() -> None:
    folder = Path(__file__).resolve().parents[2] / "requirements"
    pins = {
        name: re.findall(r"^llguidance==([\d.]+)", (folder / name).read_text(), re.MULTILINE)
        for name in ("web.txt", "engine-cpu.txt")
    }

    assert pins["web.txt"] == pins["engine-cpu.txt"] != []
