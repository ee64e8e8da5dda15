"""Names, lists, arguments and archives, which need neither torch nor the engine's environment."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from argparse import ArgumentTypeError
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

from engine_tools.metaseq.__main__ import build_parser, parse_bytes
from engine_tools.metaseq.checkpoint import read_checkpoint
from engine_tools.metaseq.errors import ConversionError, SourceDamagedError
from engine_tools.metaseq.file_names import FileName, find_checkpoint, parse_name
from engine_tools.metaseq.inert_pickle import InertUnpickler, find_setting
from engine_tools.metaseq.journal import open_journal
from engine_tools.metaseq.md5_list import read_md5_list
from engine_tools.metaseq.tokenizer import read_tokenizer
from engine_tools.metaseq.torch_archive import open_archive

SUM = "4119001fb6b8dc665f85167db429f9ac"


@pytest.mark.parametrize(
    ("text", "prefix", "part", "shard"),
    [
        ("checkpoint_last-model_part-7-shard123.pt", "checkpoint_last", 7, 123),
        ("reshard-model_part-0.pt", "reshard", 0, 0),
        ("reshard-model_part-3-shard0.pt", "reshard", 3, 0),
        ("reshard.pt", "reshard", 0, 0),
        ("checkpoint_1_6000.pt-model_part-1.pt", "checkpoint_1_6000.pt", 1, 0),
    ],
)
def test_names_of_every_release_are_read(text: str, prefix: str, part: int, shard: int) -> None:
    assert parse_name(text) == FileName(prefix=prefix, part=part, shard=shard, text=text)


@pytest.mark.parametrize("text", ["dict.txt", "reshard.pt.partial", ".pt"])
def test_other_names_are_none_of_a_checkpoint(text: str) -> None:
    assert parse_name(text) is None


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_992_files_are_eight_parts_of_124_shards_in_their_order(tmp_path: Path) -> None:
    touch(tmp_path, *(f"c-model_part-{p}-shard{s}.pt" for p in range(8) for s in range(124)))
    files = find_checkpoint(tmp_path)
    assert [len(part) for part in files.parts] == [124] * 8
    assert files.parts[6][100].name == "c-model_part-6-shard100.pt"


def test_gaps_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "c-model_part-0-shard0.pt", "c-model_part-1-shard1.pt")
    with pytest.raises(SourceDamagedError) as error:
        find_checkpoint(tmp_path, expected=["c-model_part-1-shard2.pt"])
    assert error.value.lines == tuple(
        f"{tmp_path / f'c-model_part-{part}-shard{shard}.pt'}: is missing; download it"
        for part, shard in [(0, 1), (0, 2), (1, 0), (1, 2)]
    )


def test_many_gaps_are_counted(tmp_path: Path) -> None:
    touch(tmp_path, "c-model_part-7-shard123.pt")
    with pytest.raises(SourceDamagedError) as error:
        find_checkpoint(tmp_path)
    assert len(error.value.lines) == 11
    assert error.value.lines[-1] == f"{tmp_path}: 981 more files are missing"


def test_one_of_two_checkpoints_is_chosen_by_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "last.pt", "best.pt")
    with pytest.raises(ConversionError, match=r"several checkpoints \(best, last\)"):
        find_checkpoint(tmp_path)
    assert find_checkpoint(tmp_path / "best.pt").paths == (tmp_path / "best.pt",)


@pytest.mark.parametrize(
    "text", [f"shard,md5sum\na.pt,{SUM}\n", f"{SUM}  ./a.pt\n", f"{SUM.upper()} *a.pt\n\n"]
)
def test_both_forms_of_md5_list_are_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list"
    path.write_text(text)
    assert read_md5_list(path) == {"a.pt": SUM}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<!DOCTYPE html>\n", "line 1 is not NAME,MD5; download the list again"),
        (f"a.pt,{SUM[1:]}\n", "line 1 is not NAME,MD5; download the list again"),
        (f"a.pt,{SUM}\na.pt,{SUM[::-1]}\n", "line 2 has a second sum for a.pt"),
        ("shard,md5sum\n", "the MD5 list is empty; download it again"),
    ],
)
def test_a_wrong_md5_list_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "list"
    path.write_text(text)
    with pytest.raises(ConversionError) as error:
        read_md5_list(path)
    assert str(error.value) == f"{path}: {complaint}"


@pytest.mark.parametrize(
    ("text", "count"), [("5GB", 5_000_000_000), ("1.5 MB", 1_500_000), ("900kb", 900_000)]
)
def test_sizes_are_decimal(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "5", "GB", "0GB", "-1GB", "5GiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        parse_bytes(text)


def test_arguments_have_the_documented_defaults() -> None:
    arguments = build_parser().parse_args(["convert", "in", "out"])
    assert (arguments.dtype, arguments.max_shard_size) == ("float16", 5_000_000_000)


@pytest.mark.parametrize(
    "arguments", [[], ["convert", "in"], ["convert", "in", "out", "--jobs", "0"]]
)
def test_wrong_arguments_end_with_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as error:
        build_parser().parse_args(arguments)
    assert error.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


class RunsACommand:
    """Runs a shell if it is unpickled by the usual means."""

    def __init__(self, shell: str) -> None:
        self.shell = shell

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.shell,)


def write_archive(path: Path, content: object) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    trap, path = tmp_path / "trap", tmp_path / "evil.pt"
    shell = f"touch {trap}"
    content = {"model": {}, "cfg": [RunsACommand(shell), {"decoder_attention_heads": 96}]}
    pickle.loads(pickle.dumps(content))
    assert trap.exists()
    trap.unlink()
    write_archive(path, content)
    read = open_archive(path).content
    assert not trap.exists()
    assert find_setting(read["cfg"], "decoder_attention_heads") == 96


class Node:
    """As OmegaConf keeps a value."""

    def __init__(self, value: object) -> None:
        self._val = value


class Config:
    """As OmegaConf keeps a dictionary; refers to itself, as its nodes refer to their parent."""

    def __init__(self, **content: Any) -> None:
        self._content = {key: Node(value) for key, value in content.items()}
        self._parent = self

    def __hash__(self) -> int:
        return 7


def test_settings_are_found_in_objects_of_unknown_classes() -> None:
    config = Config(decoder_attention_heads=12, activation_fn="relu")
    text = pickle.dumps({"model": OrderedDict(args=config), config: None}, protocol=2)
    read = InertUnpickler(io.BytesIO(text)).load()
    assert find_setting(read, "decoder_attention_heads") == 12
    assert find_setting(read, "activation_fn") == "relu"
    assert find_setting(read, "decoder_layers") is None


def test_an_archive_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(ConversionError) as error:
        open_archive(path)
    assert str(error.value) == f"{path}: is a zip archive, but not one of torch.save"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"model": [1]}, "has no model weights"),
        ({"shard_metadata": {"param_metadata": 1}, "model": {}}, "has no model weights"),
        ([], "does not contain a dictionary"),
    ],
)
def test_contents_of_another_kind_are_named(
    tmp_path: Path, content: object, complaint: str
) -> None:
    path = tmp_path / "model.pt"
    write_archive(path, content)
    with pytest.raises(ConversionError) as error:
        read_checkpoint(find_checkpoint(path), report=lambda _path: None)
    assert str(error.value) == f"{path}: {complaint}"


def test_a_damaged_pickle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"model": 1})[:-3])
    with pytest.raises(SourceDamagedError) as error:
        open_archive(path)
    assert str(error.value) == f"{path}: its list of tensors cannot be read; download it again"


def test_gpt2s_own_vocabulary_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gpt2-vocab.json").write_text('{"!": 0, "<|endoftext|>": 1}')
    with pytest.raises(ConversionError) as error:
        read_tokenizer(tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'gpt2-vocab.json'}: <s> is not 0, so this is another model's vocabulary, "
        "perhaps GPT-2's own; take it from projects/OPT/assets of the metaseq repository"
    )


def test_a_journal_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "conversion.json").write_text("{")
    with pytest.raises(ConversionError) as error:
        open_journal(tmp_path, plan="x")
    assert str(error.value) == (
        f"{tmp_path / 'conversion.json'}: cannot be read; remove {tmp_path} and start again"
    )
