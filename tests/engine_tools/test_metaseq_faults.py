"""Each fault of a download or a folder is reported in one line with a status, and no harm done."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from tests.engine_tools.metaseq_cases import FULL_DISK, convert

pytestmark = pytest.mark.slow

HEADS = ("--num-attention-heads", 8)
ERROR_PAGE = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"


def shard(source: Path, part: int, number: int) -> Path:
    return source / f"checkpoint_last-model_part-{part}-shard{number}.pt"


def flip_a_byte(path: Path, *, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_file_that_is_not_the_published_one_is_named(
    source: Path, md5_list: Path, tmp_path: Path
) -> None:
    bad = shard(source, 5, 1)
    published = md5_list.read_text().split(f"{bad.name},")[1][:32]
    flip_a_byte(bad, at=bad.stat().st_size // 2)
    result = convert("convert", source, tmp_path / "out", *HEADS, "--md5", md5_list)
    start, _, end = result.errors[0].partition(" but ")
    assert (result.status, result.output, len(result.errors)) == (3, [], 1)
    assert start.startswith(f"metaseq: {bad}: its MD5 is ")
    assert end == f"{published} was published; download it again"
    assert list((tmp_path / "out").glob("*.safetensors")) == []


def test_a_mended_download_goes_on(source: Path, md5_list: Path, tmp_path: Path) -> None:
    bad, whole = shard(source, 0, 0), shard(source, 0, 0).read_bytes()
    bad.write_bytes(ERROR_PAGE)
    arguments = ("convert", source, tmp_path / "out", *HEADS, "--md5", md5_list)
    refused = convert(*arguments)
    bad.write_bytes(whole)
    mended = convert(*arguments)
    assert refused.errors == [
        (
            f"metaseq: {bad}: is an error page of the download server, not a checkpoint; the link "
            "has expired or was refused, so request a new one and download this file again"
        )
    ]
    assert (refused.status, mended.status, mended.errors) == (3, 0, [])
    assert mended.output == [
        (
            "metaseq: 24 tensors that every tensor-parallel part has differ between parts, by at "
            "most 0.876; the first part's were used, as in metaseq"
        ),
        f"metaseq: wrote {tmp_path / 'out'}: 1 shards",
    ]


def test_a_file_of_the_list_that_is_missing_is_named(
    source: Path, md5_list: Path, tmp_path: Path
) -> None:
    for part in range(8):
        shard(source, part, 2).unlink()
    result = convert("verify", source, "--md5", md5_list)
    assert (result.status, result.output) == (3, [])
    assert result.errors == [
        f"metaseq: {shard(source, part, 2)}: is missing; download it" for part in range(8)
    ]


def test_without_a_list_missing_shards_show_in_the_metadata(source: Path, tmp_path: Path) -> None:
    for part in range(8):
        shard(source, part, 2).unlink()
    result = convert("convert", source, tmp_path / "out", *HEADS)
    assert result.status == 3
    assert result.errors == [
        (
            f"metaseq: {source}: the 2 shards of flat_param_0 have 4268 elements instead of 6400; "
            "shards are missing or from another checkpoint "
            f"(last: {shard(source, 0, 1).name})"
        )
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty; download it again"),
        (b"PK" + b"\0" * 5000, "is truncated or damaged; download it again"),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "is a Git LFS pointer; download the file itself",
        ),
    ],
)
def test_without_a_list_what_is_no_checkpoint_is_named(
    source: Path, tmp_path: Path, content: bytes, complaint: str
) -> None:
    shard(source, 3, 1).write_bytes(content)
    result = convert("convert", source, tmp_path / "out", *HEADS)
    assert (result.status, result.errors) == (3, [f"metaseq: {shard(source, 3, 1)}: {complaint}"])


def test_a_truncated_file_is_named(source: Path, tmp_path: Path) -> None:
    bad = shard(source, 7, 2)
    os.truncate(bad, bad.stat().st_size - 1000)
    result = convert("verify", source)
    assert result.status == 3
    assert result.errors == [f"metaseq: {bad}: is truncated or damaged; download it again"]


def test_a_missing_part_is_noticed(source: Path, tmp_path: Path) -> None:
    for number in range(3):
        shard(source, 7, number).unlink()
    result = convert("convert", source, tmp_path / "out", *HEADS)
    assert (result.status, len(result.errors)) == (4, 1)
    assert result.errors[0].endswith("a tensor-parallel part may be missing")


def test_flat_files_without_metadata_are_refused(pristine: Path, tmp_path: Path) -> None:
    old = pristine.parent / "old" / "metaseq"
    result = convert("convert", old, tmp_path / "out")
    assert (result.status, result.errors) == (
        4,
        [
            (
                f"metaseq: {shard(old, 0, 0)}: flat_param_0 lost its shard_metadata in an old "
                "reshard_mp; use the release of 2023 (v1_20230405), or the shards that it was "
                "made from"
            )
        ],
    )


def test_a_checkpoint_of_another_size_is_refused(source: Path, tmp_path: Path) -> None:
    result = convert("convert", source, tmp_path / "out", "--size", "opt-125m")
    assert (result.status, result.errors) == (
        4,
        [
            (
                "metaseq: the checkpoint is not opt-125m: its num_hidden_layers is 6, not 12; "
                "correct --size or leave it out"
            )
        ],
    )


def test_unknown_heads_are_asked_for(source: Path, tmp_path: Path) -> None:
    result = convert("convert", source, tmp_path / "out")
    assert (result.status, result.errors) == (
        4,
        [
            (
                "metaseq: the checkpoint does not say how many attention heads it has; give "
                "--num-attention-heads"
            )
        ],
    )


def test_a_full_disk_is_noticed_before_the_first_byte(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = convert("convert", source, out, *HEADS, code=FULL_DISK)
    assert (result.status, result.errors) == (
        5,
        [
            (
                f"metaseq: {out}: 67.8 MB are needed and 67.2 MB are free; free some space or "
                "choose a folder on another disk"
            )
        ],
    )
    assert list(out.glob("*.safetensors*")) == []


def test_with_a_size_the_disk_is_looked_at_before_the_md5_sums(
    source: Path, md5_list: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ("convert", source, out, "--md5", md5_list, "--size", "opt-175b")
    result = convert(*arguments, code=FULL_DISK)
    assert (result.status, result.errors) == (
        5,
        [
            (
                f"metaseq: {out}: 349.3 GB are needed and 67.2 MB are free; free some space or "
                "choose a folder on another disk"
            )
        ],
    )


def test_a_folder_of_something_else_is_left_alone(source: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    result = convert("convert", source, tmp_path, *HEADS)
    assert (result.status, result.errors) == (
        5,
        [
            (
                f"metaseq: {tmp_path}: is not empty and was not created by this tool; choose "
                "another folder"
            )
        ],
    )


def test_two_conversions_into_one_folder_do_not_meet(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    file = os.open(out, os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_EX)
    result = convert("convert", source, out, *HEADS)
    os.close(file)
    assert (result.status, result.errors) == (
        5,
        [f"metaseq: {out}: another conversion uses it; wait for its end"],
    )


def test_a_vocabulary_that_disagrees_is_refused(source: Path, tmp_path: Path) -> None:
    lines = (source / "dict.txt").read_text().splitlines()
    lines[10], lines[11] = lines[11], lines[10]
    (source / "dict.txt").write_text("\n".join(lines))
    vocab = json.loads((source / "gpt2-vocab.json").read_text())
    token = next(text for text, number in vocab.items() if number == 14)
    result = convert("convert", source, tmp_path / "out", *HEADS)
    assert (result.status, result.errors) == (
        4,
        [
            (
                f"metaseq: {source / 'dict.txt'}: line 11 has '15' as token 14, gpt2-vocab.json "
                f"has {token!r}; take it from projects/OPT/assets of the metaseq repository"
            )
        ],
    )


def test_verify_names_a_tensor_that_differs(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert("convert", source, out, *HEADS).status == 0
    good = convert("verify", source, out, *HEADS)
    path = out / "model-00001-of-00001.safetensors"
    flip_a_byte(path, at=path.stat().st_size - 1)
    bad = convert("verify", source, out, *HEADS)
    assert (good.status, good.output[-1]) == (
        0,
        f"metaseq: {out} has the same contents as {source}",
    )
    assert (bad.status, bad.errors) == (
        6,
        [
            (
                f"metaseq: {path}: model.decoder.final_layer_norm.bias differs from the source; "
                "remove the folder and convert again"
            )
        ],
    )
