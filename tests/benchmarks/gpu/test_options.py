from __future__ import annotations

import pytest

from benchmarks.gpu.options import Options, parse_options


def test_nothing_given_asks_for_everything() -> None:
    assert parse_options([]) == Options(
        device="cuda", gpu=None, tensor_parallel_sizes=None, batches=(1, 8, 32, 64)
    )


def test_what_is_given_counts() -> None:
    words = "--device cpu --tensor-parallel-sizes 8,2 --batches 4,1,4 --model opt-6.7b --dry-run"

    assert parse_options([*words.split(), "--repeats", "1", "--gpu", "l4"]) == Options(
        device="cpu",
        gpu="l4",
        tensor_parallel_sizes=(2, 8),
        batches=(1, 4),
        model="opt-6.7b",
        repeats=1,
        dry_run=True,
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--batches", "0,1"],
        ["--batches", "one"],
        ["--gpu", "abacus"],
        ["--model", "opt-175b"],
        ["--repeats", "0"],
        ["--device", "tpu"],
    ],
)
def test_what_cannot_be_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_options(words)
    assert caught.value.code == 2
    assert f"argument {words[0]}: " in capsys.readouterr().err
