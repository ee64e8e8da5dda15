"""A conversion that is killed goes on where it was, and memory does not grow with the model."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.engine_tools.metaseq_cases import (
    PEAK_MEMORY,
    ROOT,
    command,
    convert,
    make_checkpoints,
)

pytestmark = pytest.mark.engine

OPTIONS = ("--num-attention-heads", 8, "--max-shard-size", "1KB")
"""Every tensor gets a shard of its own."""
MAY_GROW_KB = 6_000
"""Sixteen layers instead of four add 170,000 kB of weights."""


def digest(folder: Path) -> dict[str, str]:
    """All files but the journal, which tells times."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "conversion.json"
    }


def shards(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.glob("*.safetensors")
    }


def test_a_killed_conversion_goes_on_where_it_was(source: Path, tmp_path: Path) -> None:
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    assert convert("convert", source, undisturbed, *OPTIONS).status == 0
    names = sorted(shards(undisturbed))

    process = subprocess.Popen(
        command("convert", source, out, *OPTIONS), cwd=ROOT, stderr=subprocess.DEVNULL
    )
    while not (out / names[1]).exists():
        assert process.poll() is None
        time.sleep(0.0005)
    process.kill()
    process.wait()

    before = shards(out)
    assert 2 <= len(before) < len(names)
    assert not (out / "model.safetensors.index.json").exists()
    result = convert("convert", source, out, *OPTIONS)
    after = shards(out)
    assert (result.status, result.errors) == (0, [])
    assert {name: after[name] for name in before} == before
    assert digest(out) == digest(undisturbed)


def test_ctrl_c_says_how_to_go_on(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        command("convert", source, out, *OPTIONS), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    while not any(out.glob("*.safetensors")):
        assert process.poll() is None
        time.sleep(0.0005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "metaseq: stopped; start the same command again to go on"
    assert "Traceback" not in errors


def test_a_whole_folder_is_left_alone(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert("convert", source, out, *OPTIONS)
    before = shards(out)
    again = convert("convert", source, out, *OPTIONS)
    assert (again.status, again.output) == (0, [f"metaseq: {out} is whole already"])
    assert shards(out) == before


def test_other_options_do_not_mix_into_a_folder(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert("convert", source, out, *OPTIONS)
    other = convert("convert", source, out, *OPTIONS, "--dtype", "bfloat16")
    assert (other.status, other.errors) == (
        5,
        [
            (
                f"metaseq: {out}: was begun from other files or with other options; finish it with "
                "those, choose another folder, or remove it"
            )
        ],
    )


def test_memory_does_not_grow_with_the_number_of_layers(tmp_path: Path) -> None:
    shape = {"hidden": 768, "embed": 768, "ffn": 3072, "parts": 2, "shards": 8, "reference": False}
    depths = (4, 16)
    make_checkpoints({tmp_path / str(depth): {**shape, "layers": depth} for depth in depths})
    peaks, sizes = [], []
    for depth in depths:
        out = tmp_path / f"out-{depth}"
        result = convert(
            "convert", tmp_path / str(depth) / "metaseq", out, "--jobs", 2, code=PEAK_MEMORY
        )
        assert (result.status, result.errors) == (0, [])
        peaks.append(int(result.output[-1]))
        sizes.append(sum(path.stat().st_size for path in out.glob("*.safetensors")) // 1024)
    assert sizes[1] - sizes[0] > 160_000
    assert peaks[1] - peaks[0] < MAY_GROW_KB
