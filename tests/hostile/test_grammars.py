"""What a text has to look like costs the engine little, or is refused at the door."""

from __future__ import annotations

from typing import Any

import pytest

from portal.completions.domain.pattern_size import measure_pattern
from portal.jobs.models import GenerationJob
from tests.api.conftest import Laboratory
from tests.playground.sse import in_thread


def properties(count: int) -> dict[str, Any]:
    return {"type": "object", "properties": {f"p{place}": {} for place in range(count)}}


def nested(depth: int) -> dict[str, Any]:
    """So many objects inside each other."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth - 1):
        schema = {"items": schema}
    return schema


def patterned(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": pattern}


NESTED_COUNTS = "(([a-z]{1,50}){1,50}){1,50}"
WRITTEN_OUT = "has 125,000 characters when its counts are written out, and may have 5,000. "
BOUND_IT = "Count less, or let max_tokens bound the text."


async def refuse(laboratory: Laboratory, **body: Any) -> tuple[str, str]:
    """Param and message of the refusal, before which nothing was submitted."""
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
        ("json", nested(65), "has objects and arrays more than 64 deep inside each other."),
        ("json", {"title": "é" * 2**15}, "has 65,549 bytes of JSON, and may have 65,536."),
        ("json", {"type": "array", "maxItems": 10_001},
         "maxItems in structured_outputs.json is 10,001, and may be 10,000."),
        ("json", patterned(NESTED_COUNTS),
         f"A pattern in structured_outputs.json {WRITTEN_OUT}{BOUND_IT}"),
        ("json", {"patternProperties": {NESTED_COUNTS: {}}},
         f"A pattern in structured_outputs.json {WRITTEN_OUT}{BOUND_IT}"),
        ("regex", NESTED_COUNTS, f"{WRITTEN_OUT}{BOUND_IT}"),
        ("regex", "a" * 4097, "has 4,097 characters, and may have 4,096."),
        ("choice", [str(n) for n in range(1001)], "has 1,001 texts, and may have 1,000."),
        ("choice", ["a", *[f"{n:4096}" for n in range(16)]],
         "has 65,537 bytes, and may have 65,536."),
        ("choice", ["b" * 4097],
         "A text in structured_outputs.choice has 4,097 characters, and may have 4,096."),
        ("json", {"enum": [1, "b" * 4097]},
         "A text in structured_outputs.json has 4,097 characters, and may have 4,096."),
        ("json", {"items": {"const": "b" * 4097}},
         "A text in structured_outputs.json has 4,097 characters, and may have 4,096."),
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
