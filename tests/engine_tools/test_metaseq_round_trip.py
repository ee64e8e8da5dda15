"""A known OPT that the tests split into metaseq's layout, converted, loaded and compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine_tools.metaseq_cases import (
    SMALL_BLOCKS,
    compare_models,
    convert,
    make_checkpoints,
)

pytestmark = pytest.mark.slow

LIKE_350M = {"before": False, "embed": 32, "vocab": 264}
CASES: dict[str, dict[str, Any]] = {
    "eight-parts-five-shards": {"parts": 8, "shards": 5, "vocab": 520, "positions": 33},
    "two-parts-124-shards": {"parts": 2, "shards": 124, "hidden": 16, "heads": 2, "ffn": 64}
    | {"embed": 16, "vocab": 272},
    "resharded": {"parts": 2, "prefix": "reshard"},
    "resharded-one-part": {"prefix": "reshard", "head": "tied", "layers": 11},
    "like-350m": {**LIKE_350M, "prefix": "reshard", "fused": False, "head": "tied"},
    "like-350m-sharded": {**LIKE_350M, "parts": 2, "shards": 3, "layers": 2},
    "float32": {"dtype": "float32", "parts": 2, "shards": 3},
    "bfloat16": {"dtype": "bfloat16", "parts": 2, "shards": 3},
}
"""By name; `metaseq_layout.py` has the defaults."""
EXACT = [
    *((name, CASES[name].get("dtype", "float16")) for name in CASES),
    ("bfloat16", "float32"),
]
ROUNDED = [("float32", "float16"), ("float32", "bfloat16")]
TOLERANCE = {"float16": 0.01, "bfloat16": 0.08}
"""For logits with a spread of about 1.5 and rounded weights: about 10 units of 2**-11 and 2**-8."""


@dataclass(frozen=True)
class Trip:
    output: list[str]
    folder: Path
    found: dict[str, Any]


@pytest.fixture(scope="session")
def trips(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Trip]:
    """Every case converted: all made in one process and compared in another, to save time."""
    root = tmp_path_factory.mktemp("metaseq")
    make_checkpoints({root / name: want for name, want in CASES.items()})
    pairs, outputs = [], []
    for name, dtype in [*EXACT, *ROUNDED]:
        out = root / name / dtype
        arguments = ("convert", root / name / "metaseq", out, "--dtype", dtype)
        result = convert(*arguments, "--max-shard-size", "100KB", code=SMALL_BLOCKS)
        assert (result.status, result.errors) == (0, [])
        pairs.append((root / name / "hf", out))
        outputs.append(result.output)
    found = compare_models(pairs)
    return {
        key: Trip(output=output, folder=out, found=one)
        for key, output, (_, out), one in zip(
            [*EXACT, *ROUNDED], outputs, pairs, found, strict=True
        )
    }


@pytest.mark.parametrize(("name", "dtype"), EXACT)
def test_every_number_and_every_logit_is_the_models(
    trips: dict[tuple[str, str], Trip], name: str, dtype: str
) -> None:
    found = trips[name, dtype].found
    assert found["spread"] > 0.5
    assert (found["logits"], found["unequal"], found["dtype"]) == (0.0, [], f"torch.{dtype}")


@pytest.mark.parametrize(("name", "dtype"), ROUNDED)
def test_another_format_rounds_each_number_to_nearest(
    trips: dict[tuple[str, str], Trip], name: str, dtype: str
) -> None:
    found = trips[name, dtype].found
    assert (found["unequal"], found["dtype"]) == ([], f"torch.{dtype}")
    assert 0.0 < found["logits"] < TOLERANCE[dtype]


def test_the_index_names_each_tensor_once_and_every_file(
    trips: dict[tuple[str, str], Trip],
) -> None:
    folder = trips["eight-parts-five-shards", "float16"].folder
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    files = sorted(path.name for path in folder.glob("*.safetensors"))
    assert sorted(set(index["weight_map"].values())) == files
    assert files[-1] == f"model-{len(files):05d}-of-{len(files):05d}.safetensors"
    assert "lm_head.weight" not in index["weight_map"]
    headers = {name: read_header(folder / name) for name in files}
    for name, file in index["weight_map"].items():
        assert name in headers[file]
    data = sum((folder / name).stat().st_size for name in files)
    data -= sum(header["header bytes"] for header in headers.values())
    assert data == index["metadata"]["total_size"]


def read_header(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return {**json.loads(content[8 : 8 + length]), "header bytes": 8 + length}


def test_the_configuration_is_an_opts(trips: dict[tuple[str, str], Trip]) -> None:
    before = json.loads((trips["resharded", "float16"].folder / "config.json").read_text())
    after = json.loads((trips["like-350m", "float16"].folder / "config.json").read_text())
    differing = {key for key in before if before[key] != after[key]}
    assert differing == {"do_layer_norm_before", "vocab_size", "word_embed_proj_dim"}
    assert (before["architectures"], before["num_attention_heads"]) == (["OPTForCausalLM"], 8)
    assert (before["max_position_embeddings"], before["tie_word_embeddings"]) == (32, True)


def test_the_tokenizer_begins_each_text_as_opt_does(trips: dict[tuple[str, str], Trip]) -> None:
    found = trips["resharded", "float16"].found
    assert found["prompt"][0] == 2
    assert (found["text"], found["tokens"]) == ("the thin", 263)


def test_notes_say_what_could_not_be_checked(trips: dict[tuple[str, str], Trip]) -> None:
    trip = trips["resharded-one-part", "float16"]
    assert trip.output == [
        "metaseq: no MD5 list was given, so only the structure of the files was checked",
        f"metaseq: wrote {trip.folder}: 12 shards",
    ]
