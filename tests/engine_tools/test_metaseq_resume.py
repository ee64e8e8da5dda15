"""A killed conversion continues where it stopped."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.engine_tools.metaseq_cases import PAUSED, command, convert
from tests.inference_workers.real_engine import ROOT

pytestmark = pytest.mark.slow

OPTIONS = ("--num-attention-heads", 8, "--max-shard-size", "1KB")
"""Every tensor gets its own shard."""


def digest(folder: Path) -> dict[str, str]:
    """All files but the journal, which contains times."""
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
        command("convert", source, out, *OPTIONS, code=PAUSED), cwd=ROOT, stderr=subprocess.DEVNULL
    )
    while not (out / names[1]).exists():
        assert process.poll() is None
        time.sleep(0.01)
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
        command("convert", source, out, *OPTIONS, code=PAUSED),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not any(out.glob("*.safetensors")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "metaseq: stopped; run the same command again to continue"
    assert "Traceback" not in errors


def test_a_whole_folder_is_left_alone(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert("convert", source, out, *OPTIONS)
    before = shards(out)
    again = convert("convert", source, out, *OPTIONS)
    assert (again.status, again.output) == (0, [f"metaseq: {out} is already complete"])
    assert shards(out) == before


def test_other_options_do_not_mix_into_a_folder(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert("convert", source, out, *OPTIONS)
    other = convert("convert", source, out, *OPTIONS, "--dtype", "bfloat16")
    assert (other.status, other.errors) == (
        5,
        [
            (
                f"metaseq: {out}: was started from other files or with other options; finish it "
                "with those, choose another folder, or remove it"
            )
        ],
    )
